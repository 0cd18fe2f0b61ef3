"""VoxCeleb1 and VoxCeleb2 in their official folders, with the ids that the official trial lists use.

Nagrani, Chung, Xie, Zisserman: VoxCeleb: Large-scale speaker verification in the wild (2020).
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from speakertrip.corpora.folder import Progress, describe_audio, find_audio
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath

Split = Literal["dev", "test", "all"]

SPEAKER = re.compile(r"id\d{5}")
TEST_SPEAKERS = frozenset(f"id{number}" for number in range(10270, 10310))  # the names that begin with E
VOXCELEB1_PLACES = (".", "wav", "dev", "dev/wav", "test", "test/wav")
VOXCELEB2_PLACES = (".", "aac", "wav", "dev", "dev/aac", "dev/wav")


def build_voxceleb1(root: FilePath, split: Split, progress: Progress | None = None) -> list[Utterance]:
    """Build the manifest of VoxCeleb1.

    Args:
        root: holds ``idXXXXX/<video>/00001.wav``, directly or below ``wav``, ``dev/wav`` and ``test/wav``.
        split: "test": the 40 speakers of VoxCeleb1-O, id10270 to id10309; "dev": the others; "all": both.
        progress: called with (files done, files in all).

    Returns:
        Utterances, sorted by id. The id begins at the speaker folder (``id10270/x6uYqmx31kE/00001.wav``), the
        session is the video.

    Raises:
        UsageError: there is no such split.
        DataError: no speaker of the split is there, or an utterance is there twice.
        AudioError: some of the files cannot be read.
    """
    if split not in get_args(Split):
        raise UsageError(f"VoxCeleb1 has no split {split!r}; take one of {', '.join(get_args(Split))}.")

    def keep(name: str) -> bool:
        return _is_speaker(name) and (split == "all" or (name in TEST_SPEAKERS) == (split == "test"))

    return describe_audio(_find_speakers(Path(root), VOXCELEB1_PLACES, keep, f"VoxCeleb1 {split}"), progress)


def build_voxceleb2(root: FilePath, progress: Progress | None = None) -> list[Utterance]:
    """Build the manifest of VoxCeleb2 dev, the usual training corpus; ``test`` is left out.

    Args:
        root: holds ``idXXXXX/<video>/00001.m4a`` (or ``.wav``, once converted), directly or below ``aac``,
            ``wav``, ``dev/aac`` or ``dev/wav``.
        progress: called with (files done, files in all).

    Returns:
        Utterances, sorted by id; the id begins at the speaker folder, the session is the video.

    Raises:
        DataError: no speaker is there, or an utterance is there twice, as m4a and as wav for example.
        AudioError: some of the files cannot be read.
    """
    return describe_audio(_find_speakers(Path(root), VOXCELEB2_PLACES, _is_speaker, "VoxCeleb2"), progress)


def _is_speaker(name: str) -> bool:
    return SPEAKER.fullmatch(name) is not None


def _find_speakers(
    root: Path, places: tuple[str, ...], keep: Callable[[str], bool], corpus: str
) -> dict[str, Path]:
    """Return the audio files by id over all places below ``root`` that hold speaker folders."""
    files: dict[str, Path] = {}
    first: dict[str, Path] = {}  # by id without suffix
    for place in places:
        if place != "." and not (root / place).is_dir():
            continue
        for id_, path in find_audio(root / place, keep).items():
            twin = first.setdefault(str(Path(id_).with_suffix("")), path)
            if twin is not path:
                raise DataError(f"{twin} and {path} are the same utterance of {corpus}; keep one of them.")
            files[id_] = path
    if not files:
        raise DataError(
            f"{root} holds no audio of {corpus}: expected speaker folders idXXXXX in it or in its "
            f"{', '.join(places[1:])}."
        )
    return files
