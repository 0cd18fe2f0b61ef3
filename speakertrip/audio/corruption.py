"""Damaged audio files, to test that nothing which reads audio can be brought down by one."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import numpy as np

Damage: TypeAlias = Callable[[bytes, bytes, np.random.Generator], bytes]

HEADER = 256  # bytes in which headers lie
# Fields of headers as (place, bytes): lengths, rates, channels, sizes of chunks.
FIELDS: Mapping[bytes, tuple[tuple[int, int], ...]] = {
    b"RIFF": ((4, 4), (16, 4), (20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2), (40, 4)),
    b"fLaC": ((5, 3), (8, 2), (10, 2), (12, 3), (15, 3), (18, 3), (20, 2), (21, 5), (43, 3)),
    b"OggS": (
        (5, 1),
        (6, 8),
        (14, 4),
        (18, 4),
        (26, 1),
        (27, 1),
        (37, 1),
        (38, 2),
        (40, 4),
        (44, 2),
        (46, 1),
    ),
}
MP4_FIELDS = (
    b"moov",
    b"trak",
    b"mdhd",
    b"stsd",
    b"mp4a",
    b"esds",
    b"stts",
    b"stsc",
    b"stsz",
    b"stco",
    b"elst",
)
EXTREMES = (0, 1, 2, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**64 - 1)
OGG_PAGE, OGG_SEGMENTS, OGG_SUM = b"OggS", 26, 22


def corrupt(content: bytes, other: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Damage a file.

    Args:
        content: what it holds.
        other: what another file holds, to be spliced into it.
        rng: decides everything.

    Returns:
        The kind of the damage, a key of ``KINDS``, and what the file holds now.

    >>> kind, damaged = corrupt(bytes(1000), b"other" * 99, np.random.default_rng(3))
    >>> kind in KINDS, damaged != bytes(1000)
    (True, True)
    """
    kind = str(rng.choice(list(KINDS)))
    damaged = KINDS[kind](content, other, rng)
    # Pages whose checksum is wrong are passed over unread: half of the damage goes to what lies behind it.
    return kind, mend_ogg(damaged) if rng.random() < 0.5 else damaged


def flip(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Flip 1 to 64 bits anywhere."""
    return _flip(content, len(content), rng)


def flip_header(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Flip 1 to 64 bits at the beginning."""
    return _flip(content, HEADER, rng)


def truncate(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Keep the beginning, or lose a part from the middle."""
    first, second = sorted(rng.integers(0, len(content) + 1, 2).tolist())
    return content[:first] + (content[second:] if rng.random() < 0.3 else b"")


def lie(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Write an extreme or a random number into 1 to 3 fields of the header."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place, size = _field(content, rng)
        number = (
            int(rng.choice(np.array(EXTREMES, np.uint64))) if rng.random() < 0.7 else int(rng.integers(2**63))
        )
        order = "little" if rng.random() < 0.5 else "big"
        field = number.to_bytes(8, order)  # type: ignore[arg-type]
        damaged[place : place + size] = field[:size] if order == "little" else field[-size:]
    return bytes(damaged[: max(len(content), 1)])


def randomize(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Keep some of the beginning; the rest, or a part of it, is random."""
    first = int(rng.integers(0, min(len(content), HEADER) + 1))
    last = len(content) if rng.random() < 0.5 else int(rng.integers(first, len(content) + 1))
    return content[:first] + rng.bytes(last - first) + content[last:]


def splice(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Go on with another file, from anywhere in it, or put a part of it in between."""
    place, begin = int(rng.integers(0, len(content) + 1)), int(rng.integers(0, len(other) + 1))
    if rng.random() < 0.5:
        return content[:place] + other[begin:]
    return content[:place] + other[begin : begin + int(rng.integers(1, 2_000))] + content[place:]


KINDS: Mapping[str, Damage] = {
    "bit flips": flip,
    "bit flips in the header": flip_header,
    "truncation": truncate,
    "header lies": lie,
    "random bytes": randomize,
    "splice": splice,
}


def mend_ogg(content: bytes) -> bytes:
    """Write the right checksum into every Ogg page; other content stays as it is.

    The checksum is the CRC-32 of RFC 3533: polynomial 0x04c11db7, begun with 0, over the page with that field 0.
    """
    mended = bytearray(content)
    place = mended.find(OGG_PAGE)
    while 0 <= place <= len(mended) - OGG_SEGMENTS - 1:
        segments = mended[place + OGG_SEGMENTS]
        body = place + OGG_SEGMENTS + 1 + segments
        end = body + sum(mended[place + OGG_SEGMENTS + 1 : body])
        mended[place + OGG_SUM : place + OGG_SUM + 4] = bytes(4)
        mended[place + OGG_SUM : place + OGG_SUM + 4] = _crc(mended[place:end]).to_bytes(4, "little")
        place = mended.find(OGG_PAGE, max(end, place + 4))
    return bytes(mended)


def _flip(content: bytes, reach: int, rng: np.random.Generator) -> bytes:
    damaged = np.frombuffer(content, np.uint8).copy()
    part = damaged[:reach]
    if len(part):
        count = int(2 ** rng.uniform(0, 6))
        np.bitwise_xor.at(
            part, rng.integers(0, len(part), count), 1 << rng.integers(0, 8, count, dtype=np.uint8)
        )
    return bytes(damaged)


def _field(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    """Return place and size of a field of the header; where none is known, of any bytes of the beginning."""
    if content[4:8] == b"ftyp":
        place = content.find(MP4_FIELDS[rng.integers(len(MP4_FIELDS))])
        return max(0, place - 4 + 4 * int(rng.integers(8))), 4
    known = FIELDS.get(content[:4])
    if known:
        return known[rng.integers(len(known))]
    return int(rng.integers(0, HEADER)), int(rng.choice([1, 2, 3, 4, 8]))


def _crc(page: bytes | bytearray) -> int:
    sum_ = 0
    for byte in page:
        sum_ = (sum_ << 8 & 0xFFFFFFFF) ^ _crc_table()[sum_ >> 24 ^ byte]
    return sum_


@cache
def _crc_table() -> tuple[int, ...]:
    def entry(byte: int) -> int:
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        return value

    return tuple(map(entry, range(256)))
