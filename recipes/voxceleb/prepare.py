"""Prepare VoxCeleb for training and evaluation: manifests of the audio, and the trial lists beside them.

python recipes/voxceleb/prepare.py --voxceleb1 DIR --voxceleb2 DIR --out FOLDER --trials veri_test2.txt
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from speakertrip.corpora.voxceleb import TEST_SPEAKERS, build_voxceleb1, build_voxceleb2
from speakertrip.errors import DataError, SpeakertripError, UsageError
from speakertrip.manifests import Trials, Utterance, read_trials, write_manifest, write_trials


def prepare(voxceleb1: Path | None, voxceleb2: Path | None, out: Path, lists: Sequence[Path]) -> None:
    """Write ``manifest.{train,test,vox1}.jsonl`` and the checked trial lists to ``out``; print what was written.

    Raises:
        UsageError: neither corpus is given.
        DataError: a corpus or list is missing or incomplete, or a list judges speakers that train.
        AudioError: some of the audio cannot be read.
        StorageError: something cannot be written.
    """
    manifests = _build_manifests(voxceleb1, voxceleb2)
    trials = {path.name: _read_checked(path, manifests) for path in lists}
    for name, utterances in manifests.items():
        write_manifest(out / name, utterances)
        speakers = len({utterance.speaker for utterance in utterances})
        print(f"{out / name}: {len(utterances):,} utterances of {speakers:,} speakers")
    for name, rows in trials.items():
        write_trials(out / name, rows)
        print(f"{out / name}: {len(rows):,} trials, {rows.targets.sum():,} of them target trials")


def _build_manifests(voxceleb1: Path | None, voxceleb2: Path | None) -> dict[str, list[Utterance]]:
    if voxceleb1 is None and voxceleb2 is None:
        raise UsageError("Name the folder of --voxceleb1, of --voxceleb2, or of both.")
    manifests: dict[str, list[Utterance]] = {}
    if voxceleb1 is not None:
        every = build_voxceleb1(voxceleb1, progress=_show_progress)
        manifests["manifest.vox1.jsonl"] = every
        manifests["manifest.test.jsonl"] = [u for u in every if u.speaker in TEST_SPEAKERS]
        manifests["manifest.train.jsonl"] = [u for u in every if u.speaker not in TEST_SPEAKERS]
    if voxceleb2 is not None:
        manifests["manifest.train.jsonl"] = build_voxceleb2(voxceleb2, progress=_show_progress)
    for name, utterances in manifests.items():
        if not utterances:
            raise DataError(
                f"{name} would be empty: {voxceleb1} holds none of the speakers it is for "
                "(test: id10270 to id10309; train without --voxceleb2: the others)."
            )
    return manifests


def _read_checked(path: Path, manifests: dict[str, list[Utterance]]) -> Trials:
    trials = read_trials(path)
    speakers = {u.id: u.speaker for utterances in manifests.values() for u in utterances}
    used = sorted({*trials.enrollments, *trials.tests})
    for id_ in used:
        if id_ not in speakers:
            raise DataError(f"{path} names {id_}, which is in none of the corpora given.")
    training = {u.speaker for u in manifests["manifest.train.jsonl"]}
    for id_ in used:
        if speakers[id_] in training:
            raise DataError(
                f"{path} judges {speakers[id_]}, a speaker of manifest.train.jsonl; train on VoxCeleb2 "
                "(--voxceleb2) to use this list, or leave it out."
            )
    return trials


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % 1000 == 0 or done == total):
        print(
            f"\r{done:,} of {total:,} files", end="\n" if done == total else "", file=sys.stderr, flush=True
        )


def main() -> int:
    """Read the command line and prepare; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the manifests of VoxCeleb and check its trial lists.")
    parser.add_argument("--voxceleb1", type=Path, metavar="DIR", help="holds wav/ or the folders idXXXXX")
    parser.add_argument("--voxceleb2", type=Path, metavar="DIR", help="holds dev/aac/ or the folders idXXXXX")
    parser.add_argument("--out", type=Path, metavar="FOLDER", required=True, help="where to write")
    parser.add_argument(
        "--trials", type=Path, metavar="FILE", nargs="+", default=[], help="official trial lists"
    )
    args = parser.parse_args()
    try:
        prepare(args.voxceleb1, args.voxceleb2, args.out, args.trials)
    except SpeakertripError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
