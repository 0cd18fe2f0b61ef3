"""Ids as row numbers, found for a whole block of text at a time: no Python object per field."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
WordArray = npt.NDArray[np.uint64]

LONGEST = 128  # bytes of an id that are compared one by one; a longer id is compared by a digest
_DIGEST = 32
_CHUNK = 50_000  # ids at a time, so that what lies beside them stays small
_FACTORS = np.random.default_rng(0).integers(2**63, size=LONGEST // 8 + 1, dtype=np.uint64) * 2 + 1


class IdTable:
    """Distinct ids, each with a row number from 0: a hash table in arrays, open addressing, linear probing.

    Ids are compared by all their bytes, never by a hash alone (above 128 bytes by a 248-bit digest).

    >>> table = IdTable()
    >>> raw = "a.b.wav a.c.wav a.b.wav".encode()
    >>> table.add(raw, np.array([0, 8, 16]), np.array([7, 15, 23]))
    array([0, 1, 0], dtype=int32)
    >>> table.ids
    ['a.b.wav', 'a.c.wav']
    >>> table.find(b"a.c.wav a", np.array([0, 8]), np.array([7, 9]))
    array([ 1, -1], dtype=int32)
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._words = np.zeros((1024, 1), np.uint64)
        self._hashes = np.zeros(1024, np.uint64)
        self._slots = np.full(2048, -1, np.int32)  # a power of two, at most half full

    @classmethod
    def of(cls, ids: Sequence[str]) -> "IdTable":
        """Make a table of distinct ids, in their order."""
        table = cls()
        for begin in range(0, len(ids), _CHUNK):
            encoded = [id_.encode(errors="surrogatepass") for id_ in ids[begin : begin + _CHUNK]]
            ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)))
            begins = np.concatenate(([0], ends[:-1]))
            table._extend(list(ids[begin : begin + _CHUNK]), *_words_of(b"".join(encoded), begins, ends))
        return table

    def add(self, raw: bytes, begins: IntArray, ends: IntArray) -> RowArray:
        """Return the row of each id ``raw[begin:end]``, which is not empty; new ids get new rows.

        Args:
            raw: UTF-8 text.
            begins: ``(fields,)``, where each id begins.
            ends: the same, one past its end.

        Returns:
            int32 ``(fields,)``.
        """
        rows = self.find(raw, begins, ends)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            spans = zip(begins[missing].tolist(), ends[missing].tolist(), strict=True)
            texts = [raw[begin:end] for begin, end in spans]
            place = {text: row for row, text in enumerate(dict.fromkeys(texts), len(self.ids))}
            rows[missing] = [place[text] for text in texts]
            first = missing[np.unique(rows[missing], return_index=True)[1]]
            self._extend([text.decode() for text in place], *_words_of(raw, begins[first], ends[first]))
        return rows

    def find(self, raw: bytes, begins: IntArray, ends: IntArray) -> RowArray:
        """Return the row of each id as ``add`` does, but -1 for an id that is not there."""
        words, hashes = _words_of(raw, begins, ends)
        width = max(words.shape[1], self._words.shape[1])
        words, self._words = _widen(words, width), _widen(self._words, width)
        last = len(self._slots) - 1
        slots = (hashes & np.uint64(last)).astype(np.int64)
        rows: RowArray = self._slots[slots]
        open_ = np.flatnonzero((rows >= 0) & ~_same(self._words, rows, words))
        while len(open_):  # these met another id
            slots[open_] = (slots[open_] + 1) & last
            rows[open_] = at = self._slots[slots[open_]]
            open_ = open_[(at >= 0) & ~_same(self._words, at, words[open_])]
        return rows

    def _extend(self, ids: list[str], words: WordArray, hashes: WordArray) -> None:
        """Append ids that are distinct and not there yet."""
        begin, end = len(self.ids), len(self.ids) + len(ids)
        self.ids.extend(ids)
        if end > len(self._hashes):
            more = max(end, 2 * len(self._hashes)) - len(self._hashes)
            self._words = np.pad(self._words, ((0, more), (0, 0)))
            self._hashes = np.pad(self._hashes, (0, more))
        width = max(words.shape[1], self._words.shape[1])
        self._words = _widen(self._words, width)
        self._words[begin:end] = _widen(words, width)
        self._hashes[begin:end] = hashes
        if 2 * end > len(self._slots):
            self._slots = np.full(1 << (4 * end - 1).bit_length(), -1, np.int32)
            begin = 0
        self._place(np.arange(begin, end, dtype=np.int32))

    def _place(self, rows: RowArray) -> None:
        last = len(self._slots) - 1
        slots = (self._hashes[rows] & np.uint64(last)).astype(np.int64)
        while len(rows):
            free = self._slots[slots] < 0
            self._slots[slots[free]] = rows[free]  # of several that want a slot, one gets it
            left = self._slots[slots] != rows
            rows, slots = rows[left], (slots[left] + 1) & last


def _words_of(raw: bytes, begins: IntArray, ends: IntArray) -> tuple[WordArray, WordArray]:
    """Return each id as uint64 words, ``(fields, width)``, and a hash of them that no width changes.

    The bytes are inverted, so that none is zero (UTF-8 has no byte 255) and zeros can fill the rest.
    """
    lengths = ends - begins
    far = np.flatnonzero(lengths > LONGEST)
    width = min(int(lengths.max(initial=1)), LONGEST) if not len(far) else LONGEST
    width = -(-width // 8) * 8
    cells = cells_of(raw, begins, width)
    np.invert(cells, out=cells)
    cells *= np.arange(width, dtype=np.int32) < lengths.astype(np.int32)[:, None]
    for field in far.tolist():
        digest = blake2b(raw[begins[field] : ends[field]], digest_size=_DIGEST - 1).digest()
        cells[field] = 0  # also the first byte, which is that of no short id
        cells[field, 1:_DIGEST] = np.frombuffer(digest, np.uint8)
    words = cells.view(np.uint64)
    hashes = words[:, 0] * _FACTORS[0]
    for column in range(1, words.shape[1]):
        hashes += words[:, column] * _FACTORS[column]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _FACTORS[-1]
    hashes ^= hashes >> np.uint64(29)
    return words, hashes


def cells_of(raw: bytes, begins: IntArray, width: int) -> npt.NDArray[np.uint8]:
    """Return the ``width`` bytes from each place in ``raw``, zeros beyond its end: uint8 ``(fields, width)``."""
    padded = np.frombuffer(raw + bytes(width), np.uint8)
    windows = as_strided(padded, (len(raw) + 1, width), (1, 1), writeable=False)
    cells: npt.NDArray[np.uint8] = windows[begins]
    return cells


def _widen(words: WordArray, width: int) -> WordArray:
    return words if words.shape[1] == width else np.pad(words, ((0, 0), (0, width - words.shape[1])))


def _same(words: WordArray, rows: RowArray, wanted: WordArray) -> npt.NDArray[np.bool_]:
    """Tell for each row number, which may be -1, whether its words are those wanted."""
    there = np.take(words, rows, axis=0, mode="wrap")
    same: npt.NDArray[np.bool_] = there[:, 0] == wanted[:, 0]
    for column in range(1, words.shape[1]):  # a loop over few columns is several times as fast as all(axis=1)
        same &= there[:, column] == wanted[:, column]
    return same
