"""``speakertrip manifest voxceleb1``, ``librispeech`` and so on: a manifest of a corpus in its published folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import in_words, progress_bar
from speakertrip.errors import AudioError, counted

if TYPE_CHECKING:
    from speakertrip.corpora.folder import Progress, Skip
    from speakertrip.manifests import Utterance
    from speakertrip.manifests.lines import FilePath

    Builder = Callable[[str, Sequence[str], Progress, Skip | None], list[Utterance]]

skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="Leave out files that cannot be read; each is listed, with its reason."
)


def write_built(
    out: FilePath, skip_bad: bool, build: Callable[[Progress, Skip | None], list[Utterance]]
) -> None:
    """Write the manifest that a builder makes; what it skips is listed on stderr."""
    from speakertrip.manifests import write_manifest

    skipped: list[AudioError] = []
    with progress_bar("headers") as advance:
        utterances = build(lambda done, total: advance(1, total), skipped.append if skip_bad else None)
    write_manifest(out, utterances)
    for error in skipped:
        click.echo(str(error), err=True)
    if skipped:
        total = counted(len(skipped) + len(utterances), "audio file")
        click.echo(f"{len(skipped):,} of {total} left out.", err=True)
    click.echo(f"{out}: {in_words(utterances)}")


def _corpus(name: str, *default: str) -> Callable[[Builder], click.Command]:
    """Make a command of a function that calls a corpus's builder; its docstring is the help."""

    def decorate(build: Builder) -> click.Command:
        @click.command(name, help=build.__doc__)
        @click.argument("root")
        @click.option("--out", required=True, metavar="FILE", help="Manifest to write.")
        @click.option(
            "--split",
            "splits",
            multiple=True,
            metavar="NAME",
            required=not default,
            default=default or None,
            show_default=bool(default),
            help="May be given several times.",
        )
        @skip_bad_option
        def command(root: str, out: str, splits: tuple[str, ...], skip_bad: bool) -> None:
            write_built(out, skip_bad, lambda progress, skip: build(root, splits, progress, skip))

        return command

    return decorate


@_corpus("voxceleb1", "dev", "test")
def voxceleb1(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """VoxCeleb1: splits dev and test.

    ROOT holds idXXXXX/VIDEO/00001.wav, directly or in wav, dev/wav and test/wav; and vox1_meta.csv, if the sex
    is to be known. Ask for the audio, and read the terms, at https://mm.kaist.ac.kr/datasets/voxceleb/.
    """
    from speakertrip.corpora.voxceleb import build_voxceleb1

    return build_voxceleb1(root, splits, progress, skip)


@_corpus("voxceleb2", "dev")
def voxceleb2(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """VoxCeleb2: splits dev and test.

    ROOT holds idXXXXX/VIDEO/00001.m4a (or .wav) in dev/aac and test/aac (or dev/wav and test/wav); and
    vox2_meta.csv, if the sex is to be known. Ask for the audio, and read the terms, at
    https://mm.kaist.ac.kr/datasets/voxceleb/.
    """
    from speakertrip.corpora.voxceleb import build_voxceleb2

    return build_voxceleb2(root, splits, progress, skip)


@_corpus("cnceleb")
def cnceleb(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """CN-Celeb 1 and 2: splits dev, eval and cnceleb2.

    ROOT holds CN-Celeb_flac (for dev and eval) and CN-Celeb2_flac (for cnceleb2), or is the one of them that is
    asked for. Train on dev and cnceleb2; eval goes with "manifest cnceleb-trials". Terms: CC BY-SA 4.0, see
    https://www.openslr.org/82/.
    """
    from speakertrip.corpora.cnceleb import build_cnceleb

    return build_cnceleb(root, splits, progress, skip)


@_corpus("librispeech")
def librispeech(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """LibriSpeech: splits train-clean-100, dev-clean and so on.

    ROOT holds SPEAKERS.TXT and a folder for each split, directly or in LibriSpeech. Sessions are chapters.
    Terms: CC BY 4.0, see https://www.openslr.org/12/.
    """
    from speakertrip.corpora.librispeech import build_librispeech

    return build_librispeech(root, splits, progress, skip)


@_corpus("common-voice")
def common_voice(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """Common Voice: splits train, dev, test, validated, other and invalidated.

    ROOT holds clips and validated.tsv and the like, or a folder that does for each language. Speakers are client
    ids; sessions are not known. Terms: CC0, and nobody may try to find out who a speaker is; see
    https://commonvoice.mozilla.org/.
    """
    from speakertrip.corpora.common_voice import build_common_voice

    return build_common_voice(root, splits, progress, skip)


@_corpus("speechocean", "train", "test")
def speechocean(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """speechocean762: splits train and test.

    ROOT holds WAVE, train and test, directly or in speechocean762. Terms: CC BY 4.0, see
    https://www.openslr.org/101/.
    """
    from speakertrip.corpora.speechocean import build_speechocean

    return build_speechocean(root, splits, progress, skip)


@_corpus("vctk", "mic1")
def vctk(root: str, splits: Sequence[str], progress: Progress, skip: Skip | None) -> list[Utterance]:
    """VCTK 0.92: splits mic1 and mic2, the two microphones that heard each sentence.

    ROOT holds speaker-info.txt and wav48_silence_trimmed, directly or in VCTK-Corpus-0.92. Terms: CC BY 4.0, see
    https://datashare.ed.ac.uk/handle/10283/3443.
    """
    from speakertrip.corpora.vctk import build_vctk

    return build_vctk(root, splits, progress, skip)


@click.command("cnceleb-trials")
@click.argument("root")
@click.option("--out", required=True, metavar="FILE", help="Trial list to write.")
@click.option("--enrollments-out", required=True, metavar="MAP", help="Enrollment map to write.")
@click.option("--joined", is_flag=True, help="Enroll from one joined file per speaker (enroll.lst).")
def cnceleb_trials(root: str, out: str, enrollments_out: str, joined: bool) -> None:
    """Write the trial list and the enrollment map of CN-Celeb1.

    ROOT as for "manifest cnceleb"; the ids are those of its split eval. Each speaker is enrolled from several
    utterances (enroll.map).
    """
    from speakertrip.corpora.cnceleb import read_cnceleb_trials
    from speakertrip.manifests import write_enrollment_map, write_trials

    trials, models = read_cnceleb_trials(root, joined)
    write_enrollment_map(enrollments_out, models)
    write_trials(out, trials)
    click.echo(f"{out}: {counted(len(trials), 'trial')} ({trials.targets.sum():,} target)")
    click.echo(f"{enrollments_out}: {counted(len(models), 'model')}")


CORPORA = (voxceleb1, voxceleb2, cnceleb, cnceleb_trials, librispeech, common_voice, speechocean, vctk)
