"""One file of a manifest, and the utterances that it holds."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import BinaryIO, cast

from speakertrip.audio import read_header
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
    if not _examine_bytes(rows, quick, found):
        return found
    try:
        header = read_header(audio_of(rows[0].utterance))
    except AudioError as error:
        _add(found, rows, Kind.UNREADABLE, reason(error, rows[0]))
        return found
    if header.duration <= 0:
        _add(found, rows, Kind.EMPTY, f"{rows[0].name} holds no samples.")
        return found
    for row in rows:
        if stop.is_set():
            break
        problems, seconds = measure(row, header, alone=len(rows) == 1)
        if seconds and not quick:
            heard, digest = hear(row, seconds)
            problems += heard
            found.digests += [(row, digest)] if digest else []
        found.findings += [Finding(kind, row, message) for kind, message in problems]
    return found


def _examine_bytes(rows: Sequence[Row], quick: bool, found: Examined) -> bool:
    """Look at a file before it is decoded; tell whether that is of use."""
    utterance, name = rows[0].utterance, rows[0].name
    try:
        if not utterance.path.exists():
            _add(found, rows, Kind.MISSING, f"{name}: there is no such file.")
            return False
        with open_audio(audio_of(utterance)) as opened:
            stream = cast(BinaryIO, opened)
            if not stream.read(1):
                _add(found, rows, Kind.EMPTY, f"{name} holds no bytes.")
                return False
            format_ = find_format(stream)
            if is_misnamed(utterance.path.suffix, format_):
                _add(found, rows, Kind.EXTENSION, f"{name} is {format_}, which does not go by this name.")
            if not quick:
                _compare_checksums(rows, stream, found)
            if is_cut(stream, format_):
                _add(found, rows, Kind.TRUNCATED, f"{name} ends before its header says.")
                return False
        return True
    except AudioError as error:
        message = reason(error, rows[0])
    except (OSError, ValueError) as error:
        message = f"Cannot read {name}: {getattr(error, 'strerror', None) or error}."
    _add(found, rows, Kind.UNREADABLE, message)
    return False


def _compare_checksums(rows: Sequence[Row], stream: BinaryIO, found: Examined) -> None:
    stated = [row for row in rows if row.utterance.sha256 is not None]
    if not stated:
        return
    stream.seek(0)
    hash_ = hashlib.sha256()
    while block := stream.read(BLOCK):
        hash_.update(block)
    wrong = [row for row in stated if str(row.utterance.sha256).lower() != hash_.hexdigest()]
    _add(found, wrong, Kind.CHECKSUM, f"{rows[0].name} has the SHA-256 {hash_.hexdigest()}.")


def _add(found: Examined, rows: Sequence[Row], kind: Kind, message: str) -> None:
    """Add a finding for each row; the message names the first, if any."""
    found.findings += [Finding(kind, row, message.replace(rows[0].name, row.name)) for row in rows]
