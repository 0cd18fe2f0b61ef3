"""VoxCeleb1 and VoxCeleb2 in their official folders, with the ids that the official trial lists use.

Nagrani, Chung, Xie, Zisserman: VoxCeleb: Large-scale speaker verification in the wild (2020).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from speakertrip.corpora.folder import Progress, Skip, describe_audio, find_audio
from speakertrip.corpora.layout import SEXES, index_by_stem, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, read_lines

SPLITS = ("dev", "test")
SPEAKER = re.compile(r"id\d{5}")
TEST_SPEAKERS = frozenset(f"id{number}" for number in range(10270, 10310))  # the names that begin with E
PLACES1 = (".", "wav", "dev", "dev/wav", "test", "test/wav")
PLACES2 = {
    "dev": (".", "aac", "wav", "dev", "dev/aac", "dev/wav"),
    "test": ("test", "test/aac", "test/wav"),
}


def build_voxceleb1(
    root: FilePath, splits: Sequence[str] = SPLITS, progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of VoxCeleb1.

    Args:
        root: holds ``idXXXXX/<video>/00001.wav``, directly or below ``wav``, ``dev/wav`` and ``test/wav``; and
            ``vox1_meta.csv``, if the sex is to be known.
        splits: "test": the 40 speakers of VoxCeleb1-O, id10270 to id10309; "dev": the others.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id begins at the speaker folder (``id10270/x6uYqmx31kE/00001.wav``), the
        session is the video.

    Raises:
        UsageError: there is no such split.
        DataError: no speaker of the splits is there, or an utterance is there twice.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("VoxCeleb1", splits, SPLITS)

    def keep(name: str) -> bool:
        return _is_speaker(name) and ("test" if name in TEST_SPEAKERS else "dev") in splits

    files = _find_speakers(Path(root), PLACES1, keep, f"VoxCeleb1 {' and '.join(splits)}")
    return _with_sexes(describe_audio(files, progress, skip), Path(root) / "vox1_meta.csv")


def build_voxceleb2(
    root: FilePath,
    splits: Sequence[str] = ("dev",),
    progress: Progress | None = None,
    skip: Skip | None = None,
) -> list[Utterance]:
    """Build the manifest of VoxCeleb2; its part dev is the usual training corpus.

    Args:
        root: holds ``idXXXXX/<video>/00001.m4a`` (or ``.wav``, once converted), directly (dev) or below ``aac``,
            ``wav``, ``dev/aac``, ``dev/wav``, ``test/aac`` or ``test/wav``; and ``vox2_meta.csv``, if the sex is
            to be known.
        splits: "dev", "test" or both.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id; the id begins at the speaker folder, the session is the video.

    Raises:
        UsageError: there is no such split.
        DataError: no speaker is there, or an utterance is there twice, as m4a and as wav for example.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("VoxCeleb2", splits, SPLITS)
    places = [place for split in dict.fromkeys(splits) for place in PLACES2[split]]
    files = _find_speakers(Path(root), places, _is_speaker, f"VoxCeleb2 {' and '.join(splits)}")
    return _with_sexes(describe_audio(files, progress, skip), Path(root) / "vox2_meta.csv")


def _is_speaker(name: str) -> bool:
    return SPEAKER.fullmatch(name) is not None


def _find_speakers(
    root: Path, places: Sequence[str], keep: Callable[[str], bool], corpus: str
) -> dict[str, Path]:
    """Return the audio files by id over all places below ``root`` that hold speaker folders."""
    files: dict[str, Path] = {}
    for place in places:
        if place != "." and not (root / place).is_dir():
            continue
        for id_, path in find_audio(root / place, keep).items():
            twin = files.setdefault(id_, path)
            if twin is not path:
                raise DataError(f"{twin} and {path} are the same utterance of {corpus}; keep one of them.")
    if not files:
        below = ", ".join(place for place in places if place != ".")
        raise DataError(
            f"{root} holds no audio of {corpus}: expected speaker folders idXXXXX in it or in its {below}."
        )
    index_by_stem(files, corpus)
    return files


def _with_sexes(utterances: list[Utterance], table: Path) -> list[Utterance]:
    """Add the sex of each speaker from the corpus's table, whose fields stand apart by tabs or commas."""
    if not table.exists():
        return utterances
    sexes: dict[str, str | None] = {}
    column = -1
    for number, text in read_lines(table, "speaker table"):
        fields = [field.strip() for field in text.split("\t" if "\t" in text else ",")]
        if column < 0:
            if "Gender" not in fields:
                raise DataError(f"{table}, line {number}: expected a column 'Gender', found {text!r}.")
            column = fields.index("Gender")
        elif len(fields) <= column:
            raise DataError(f"{table}, line {number}: expected a field {column + 1}, found {text!r}.")
        else:
            sexes[fields[0]] = SEXES.get(fields[column].lower())
    return [replace(utterance, sex=sexes.get(utterance.speaker)) for utterance in utterances]
