"""One file of a manifest, and the utterances that it holds."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import BinaryIO, cast

from speakertrip.audio import AudioSource, read_header
from speakertrip.audio.codec.content import find_format
from speakertrip.audio.source import open_audio
from speakertrip.audio.structure import is_cut, is_misnamed
from speakertrip.audio.utterance import audio_of
from speakertrip.corpora.check.findings import Finding, Kind, Row
from speakertrip.corpora.check.stretch import hear, measure, reason
from speakertrip.errors import AudioError

BLOCK = 1 << 20  # bytes


@dataclass(slots=True)
class Examined:
    """What was found in one file.

    Attributes:
        findings: of the rows that name it.
        digests: ``(row, hash of its decoded samples)``, of each row that holds a sound.
    """

    findings: list[Finding] = field(default_factory=list)
    digests: list[tuple[Row, bytes]] = field(default_factory=list)


def examine(rows: Sequence[Row], quick: bool, stop: Event) -> Examined:
    """Examine a file; what is wrong with it is found, and never raised.

    Args:
        rows: all that name the file, one or more.
        quick: look at its header alone.
        stop: once it is set, nobody waits for the rest.
    """
    found = Examined()
    source = _examine_bytes(rows, quick, found)
    if source is None:
        return found
    try:
        header = read_header(source)
    except AudioError as error:
        _add(found, rows, Kind.UNREADABLE, reason(error, rows[0]))
        return found
    if header.duration <= 0:
        _add(found, rows, Kind.EMPTY, f"{rows[0].path} holds no samples.")
        return found
    for row in rows:
        if stop.is_set():
            break
        problems, seconds = measure(row, header, alone=len(rows) == 1)
        if seconds and not quick:
            heard, digest = hear(row, source, seconds)
            problems += heard
            found.digests += [(row, digest)] if digest else []
        found.findings += [Finding(kind, row, message) for kind, message in problems]
    return found


def _examine_bytes(rows: Sequence[Row], quick: bool, found: Examined) -> AudioSource | None:
    """Look at a file before it is decoded; return what to decode, None where that is no use."""
    utterance, path = rows[0].utterance, rows[0].path
    try:
        if not utterance.path.exists():
            _add(found, rows, Kind.MISSING, f"{path}: there is no such file.")
            return None
        source = audio_of(utterance)
        with open_audio(source) as opened:
            stream = cast(BinaryIO, opened)
            if not stream.read(1):
                _add(found, rows, Kind.EMPTY, f"{path} holds no bytes.")
                return None
            format_ = find_format(stream)
            if is_misnamed(utterance.path.suffix, format_):
                _add(found, rows, Kind.EXTENSION, f"{path} is {format_}, which does not go by this name.")
            if not quick:
                _compare_checksums(rows, stream, found)
            if is_cut(stream, format_):
                _add(found, rows, Kind.TRUNCATED, f"{path} ends before its header says.")
                return None
        return source
    except AudioError as error:
        message = reason(error, rows[0])
    except (OSError, ValueError) as error:
        message = f"Cannot read {path}: {getattr(error, 'strerror', None) or error}."
    _add(found, rows, Kind.UNREADABLE, message)
    return None


def _compare_checksums(rows: Sequence[Row], stream: BinaryIO, found: Examined) -> None:
    stated = [row for row in rows if row.utterance.sha256 is not None]
    if not stated:
        return
    stream.seek(0)
    hash_ = hashlib.sha256()
    while block := stream.read(BLOCK):
        hash_.update(block)
    wrong = [row for row in stated if str(row.utterance.sha256).lower() != hash_.hexdigest()]
    _add(found, wrong, Kind.CHECKSUM, f"{rows[0].path} has the SHA-256 {hash_.hexdigest()}.")


def _add(found: Examined, rows: Sequence[Row], kind: Kind, message: str) -> None:
    found.findings += [Finding(kind, row, message) for row in rows]
