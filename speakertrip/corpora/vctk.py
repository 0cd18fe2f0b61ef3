"""VCTK 0.92: newspaper sentences read by 110 speakers of English before two microphones; 48 kHz FLAC.

Yamagishi, Veaux, MacDonald: CSTR VCTK Corpus: English multi-speaker corpus for CSTR voice cloning toolkit (2019).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speakertrip.corpora.folder import Progress, Skip, find_audio, read_headers
from speakertrip.corpora.layout import SEXES, find_root, index_by_stem, require_splits
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, read_lines

SPLITS = ("mic1", "mic2")
AUDIO, SPEAKERS = "wav48_silence_trimmed", "speaker-info.txt"


def build_vctk(
    root: FilePath,
    splits: Sequence[str] = ("mic1",),
    progress: Progress | None = None,
    skip: Skip | None = None,
) -> list[Utterance]:
    """Build the manifest of VCTK 0.92.

    Both microphones heard the same sentences at once, so a pair across them is the same speech, not another
    occasion. Of p280 and p315 there is nothing from the second.

    Args:
        root: holds ``speaker-info.txt`` and ``wav48_silence_trimmed/p225/p225_001_mic1.flac``, directly or
            below ``VCTK-Corpus-0.92``.
        splits: "mic1", "mic2" or both.
        progress: called with (files done, files in all).
        skip: as of ``folder.read_headers``.

    Returns:
        Utterances, sorted by id. The id begins at the speaker folder, the session is the microphone; ``age``
        (years), ``accent`` and ``region`` are kept as keys.

    Raises:
        UsageError: there is no such split.
        DataError: the folder is not VCTK 0.92, holds nothing of a split, speaker-info.txt is malformed, or an
            utterance is there twice.
        AudioError: as ``folder.read_headers``.
    """
    require_splits("VCTK", splits, SPLITS)
    corpus = find_root("VCTK 0.92", root, [AUDIO, SPEAKERS], ["VCTK-Corpus-0.92"])
    speakers = _read_speakers(corpus / SPEAKERS)
    files = find_audio(corpus / AUDIO)
    index_by_stem(files, "VCTK")
    rows = []
    for id_, path in files.items():
        speaker = id_.partition("/")[0]
        microphone = path.stem.rpartition("_")[2]
        if microphone in splits:
            sex, extra = speakers.get(speaker, (None, {}))
            rows.append(Utterance(id_, path, speaker, microphone, language="en", sex=sex, extra=extra))
    for split in splits:
        if not any(row.session == split for row in rows):
            raise DataError(f"{corpus / AUDIO} holds no file p225/p225_001_{split}.flac or the like.")
    return read_headers(rows, progress, skip)


def _read_speakers(path: Path) -> dict[str, tuple[str | None, dict[str, Any]]]:
    """Read ``p225 23 F English Southern England (a comment)`` a line; the first names the columns."""
    speakers: dict[str, tuple[str | None, dict[str, Any]]] = {}
    for number, text in read_lines(path, "speaker table"):
        fields = text.partition("(")[0].split(maxsplit=4)
        if fields[:1] == ["ID"]:
            continue
        if len(fields) < 3 or not fields[1].isdecimal() or fields[2].lower() not in SEXES:
            raise DataError(f"{path}, line {number}: expected 'speaker age M or F ...', found {text!r}.")
        speaker, age, sex, *place = (field.strip() for field in fields)
        extra = {"age": int(age)} | dict(zip(("accent", "region"), place, strict=False))
        speakers[speaker] = (SEXES[sex.lower()], extra)
    return speakers
