"""LibriSpeech: read books, 16 kHz FLAC, about 2,480 speakers.

Panayotov, Chen, Povey, Khudanpur: Librispeech: an ASR corpus based on public domain audio books (2015).
"""

from collections.abc import Sequence
from pathlib import Path

from speakertrip.corpora.folder import Progress, Skip, find_audio, read_headers
from speakertrip.corpora.layout import SEXES, find_root, index_by_stem, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, read_lines

SPLITS = (
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
)


def build_librispeech(
    root: FilePath, splits: Sequence[str], progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of LibriSpeech.

    Args:
        root: holds ``SPEAKERS.TXT`` and ``<split>/<speaker>/<chapter>/<speaker>-<chapter>-<utterance>.flac``,
            directly or below ``LibriSpeech``.
        splits: of ``SPLITS``, one or more.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id is the path below the folder of the corpus, the session is the chapter.

    Raises:
        UsageError: there is no such split.
        DataError: the folder is not LibriSpeech, lacks a split, SPEAKERS.TXT is malformed, or an utterance is there
            twice.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("LibriSpeech", splits, SPLITS)
    corpus = find_root("LibriSpeech", root, ["SPEAKERS.TXT", *splits], ["LibriSpeech"])
    sexes = _read_sexes(corpus / "SPEAKERS.TXT")
    files = {
        f"{split}/{id_}": path
        for split in dict.fromkeys(splits)
        for id_, path in find_audio(corpus / split).items()
    }
    index_by_stem(files, "LibriSpeech")
    return read_headers((_utterance(id_, path, sexes) for id_, path in files.items()), progress, skip)


def _utterance(id_: str, path: Path, sexes: dict[str, str]) -> Utterance:
    _, speaker, *chapter, _ = id_.split("/")
    return Utterance(id_, path, speaker, "/".join(chapter) or None, language="en", sex=sexes.get(speaker))


def _read_sexes(path: Path) -> dict[str, str]:
    """Read ``14 | F | train-clean-360 | 25.03 | name`` a line; comments begin with a semicolon."""
    sexes = {}
    for number, text in read_lines(path, "speaker table"):
        if text.startswith(";"):
            continue
        speaker, *rest = (field.strip() for field in text.split("|"))
        if not rest or rest[0].lower() not in SEXES:
            raise DataError(f"{path}, line {number}: expected 'speaker | M or F | ...', found {text!r}.")
        sexes[speaker] = SEXES[rest[0].lower()]
    return sexes
