"""What kind of audio a file holds, by its first bytes, for names may be wrong; and which library decodes it."""

from typing import Literal, Protocol

Library = Literal["soundfile", "av"]

# By which a folder is searched.
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".aac", ".webm"})

# Only these of the many formats that libsndfile knows: the others hold no speech, and their readers are old.
MARKS = {
    b"RIFF": "WAV",
    b"RIFX": "WAV",
    b"RF64": "WAV",
    b"riff": "W64",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"NIST": "NIST",
    b"caff": "CAF",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"\x1aE\xdf\xa3": "Matroska",
}
BY_AV = frozenset({"Matroska", "MP4", "AAC"})
HEAD = 16
ID3, ID3_SIZE = b"ID3", 10


class Stream(Protocol):
    """What a file is read through."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Read at most so many bytes."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...


def find_format(stream: Stream) -> str | None:
    """Tell a file's format: a value of ``MARKS``, "MP3", "AAC" or "MP4"; None: it is no audio that is known.

    The stream is left at its beginning.

    >>> import io
    >>> find_format(io.BytesIO(b"RIFF....WAVEfmt ")), find_format(io.BytesIO(b"....ftypM4A "))
    ('WAV', 'MP4')
    """
    stream.seek(0)
    head = stream.read(HEAD) or b""
    if head.startswith(ID3) and len(head) >= ID3_SIZE:  # tags before the audio
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        stream.seek(ID3_SIZE + size)
        head = stream.read(HEAD) or b""
    stream.seek(0)
    if head[4:8] == b"ftyp":  # after the size of the box
        return "MP4"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # the sync word of MPEG audio
        return "MP3" if head[1] & 0x06 else "AAC"  # layer 0
    return MARKS.get(head[:4])


def find_library(stream: Stream) -> Library | None:
    """Tell what decodes a file; None: it is no audio that is known. The stream is left at its beginning."""
    format_ = find_format(stream)
    if format_ is None:
        return None
    return "av" if format_ in BY_AV else "soundfile"
