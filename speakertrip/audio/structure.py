"""What the name and the structure of an audio file say: whether it is what its suffix tells, and whether it was cut."""

from collections.abc import Iterator
from typing import BinaryIO, Literal

SUFFIXES = {  # which a format goes by
    "WAV": {".wav", ".wave"},
    "W64": {".w64"},
    "AIFF": {".aif", ".aiff", ".aifc"},
    "AU": {".au", ".snd"},
    "NIST": {".sph", ".nist", ".wav"},  # as the LDC names them
    "CAF": {".caf"},
    "FLAC": {".flac"},
    "Ogg": {".ogg", ".oga", ".opus", ".spx"},
    "MP3": {".mp3"},
    "AAC": {".aac"},
    "MP4": {".m4a", ".mp4"},
    "Matroska": {".webm", ".mka", ".mkv"},
}
KNOWN_SUFFIXES = frozenset().union(*SUFFIXES.values())

UNKNOWN_SIZE = 0x7FFF_0000  # what is written to a pipe states about this, or more
MOST_CHUNKS = 10_000
LONGEST_PAGE = 65_307  # bytes of an Ogg page
PAGE_HEAD = 27


def is_misnamed(suffix: str, format_: str | None) -> bool:
    """Tell whether a file's suffix stands for another format than it has; an unknown one stands for none.

    >>> is_misnamed(".WAV", "WAV"), is_misnamed(".mp3", "WAV"), is_misnamed(".bin", "WAV")
    (False, True, False)
    """
    suffix = suffix.lower()
    return format_ is not None and suffix in KNOWN_SUFFIXES and suffix not in SUFFIXES[format_]


def is_cut(stream: BinaryIO, format_: str | None) -> bool:
    """Tell whether a file ends before its structure says; of FLAC and MP3 only decoding tells.

    WAV and MP4 state the sizes of their parts, Ogg those of its pages (RFC 3533); a file that was cut between two
    pages looks whole.
    """
    size = stream.seek(0, 2)
    if format_ == "WAV":
        return any(name == b"data" and end > size for name, end in _riff_chunks(stream, size))
    if format_ == "MP4":
        return any(end > size for end in _mp4_boxes(stream, size))
    return format_ == "Ogg" and _last_page_is_cut(stream, size)


def _riff_chunks(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield the name and end of each chunk whose size is stated."""
    stream.seek(0)
    order: Literal["big", "little"] = "big" if stream.read(4) == b"RIFX" else "little"
    place = 12
    for _ in range(MOST_CHUNKS):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], order)
        if length >= UNKNOWN_SIZE:
            return
        yield head[:4], place + 8 + length
        place += 8 + length + length % 2
        if place >= size:
            return


def _mp4_boxes(stream: BinaryIO, size: int) -> Iterator[int]:
    """Yield the end of each box of the outermost level."""
    place = 0
    for _ in range(MOST_CHUNKS):
        stream.seek(place)
        head = stream.read(16)
        if len(head) < 8:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: to the end of the file
            return
        place += length
        yield place
        if place >= size:
            return


def _last_page_is_cut(stream: BinaryIO, size: int) -> bool:
    stream.seek(max(0, size - LONGEST_PAGE))
    tail = stream.read(LONGEST_PAGE)
    begin = tail.rfind(b"OggS")
    if begin < 0:  # what follows the last page is no page
        return False
    page = tail[begin:]
    if len(page) < PAGE_HEAD:
        return True
    segments = page[PAGE_HEAD : PAGE_HEAD + page[PAGE_HEAD - 1]]
    return len(segments) < page[PAGE_HEAD - 1] or len(page) < PAGE_HEAD + len(segments) + sum(segments)
