"""speechocean762: English sentences read by 250 speakers of Mandarin, half of them children; 16 kHz WAV.

Zhang et al.: speechocean762: An open-source non-native English speech corpus for pronunciation assessment (2021).
"""

from collections.abc import Sequence
from pathlib import Path

from speakertrip.corpora.folder import Progress, Skip, read_headers
from speakertrip.corpora.layout import SEXES, find_root, read_pairs, require_listable, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

SPLITS = ("train", "test")


def build_speechocean(
    root: FilePath, splits: Sequence[str] = SPLITS, progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of speechocean762.

    Args:
        root: holds ``WAVE``, and ``train`` and ``test`` with ``wav.scp``, ``utt2spk`` and, where there,
            ``spk2gender`` and ``spk2age``; directly or below ``speechocean762``.
        splits: of ``SPLITS``, one or more.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id is the path that wav.scp states (``WAVE/SPEAKER0001/000010011.WAV``);
        sessions are not known; the age in years is the key ``age``.

    Raises:
        UsageError: there is no such split.
        DataError: the folder is not speechocean762, or one of its tables is malformed.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("speechocean762", splits, SPLITS)
    corpus = find_root("speechocean762", root, ["WAVE", *splits], ["speechocean762"])
    return read_headers(
        (row for split in dict.fromkeys(splits) for row in _rows(corpus, split)), progress, skip
    )


def _rows(corpus: Path, split: str) -> list[Utterance]:
    folder = corpus / split
    speakers = {name: speaker for _, name, speaker in read_pairs(folder / "utt2spk", "speaker table")}
    sexes, ages = _read_optional(folder / "spk2gender"), _read_optional(folder / "spk2age")
    rows = []
    for number, name, path in read_pairs(folder / "wav.scp", "list of files"):
        if name not in speakers:
            raise DataError(f"{folder / 'utt2spk'}: the utterance {name} of wav.scp has no speaker here.")
        speaker = speakers[name]
        rows.append(
            Utterance(
                require_listable(path, folder / "wav.scp", number),
                corpus / path,
                speaker,
                language="en",
                sex=SEXES.get(sexes.get(speaker, "").lower()),
                extra={"age": int(ages[speaker])} if ages.get(speaker, "").isdecimal() else {},
            )
        )
    return rows


def _read_optional(path: Path) -> dict[str, str]:
    return {key: value for _, key, value in read_pairs(path, "speaker table")} if path.exists() else {}
