"""Which library decodes a file: its first bytes tell, for names may be wrong."""

from typing import Literal, Protocol

Library = Literal["soundfile", "av"]

AV_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".webm"})  # by which a folder is searched

# Only these of the many formats that libsndfile knows: the others hold no speech, and their readers are old.
SOUND_MARKS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"fLaC", b"OggS", b"NIST_1A", b"caff")
MATROSKA = b"\x1aE\xdf\xa3"
MP4 = b"ftyp"  # after the size of the box, 4 bytes
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


def find_library(stream: Stream) -> Library | None:
    """Tell by its first bytes what decodes a file; None: it is no audio that is known.

    The stream is left at its beginning.

    >>> import io
    >>> find_library(io.BytesIO(b"RIFF....WAVEfmt ")), find_library(io.BytesIO(b"....ftypM4A "))
    ('soundfile', 'av')
    """
    stream.seek(0)
    head = stream.read(HEAD) or b""
    if head.startswith(ID3) and len(head) >= ID3_SIZE:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        stream.seek(ID3_SIZE + size)
        head = stream.read(HEAD) or b""
    stream.seek(0)
    if head.startswith(SOUND_MARKS):
        return "soundfile"
    if head.startswith(MATROSKA) or head[4:8] == MP4:
        return "av"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # the sync word of MPEG audio
        return "soundfile" if head[1] & 0x06 else "av"  # layer 0 is AAC
    return None
