import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.codec.content import find_library

ID3 = b"ID3\x04\0\0\0\0\x01\x02"  # 7 bits a byte: 130 follow


@pytest.mark.parametrize(
    ("head", "library"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "soundfile"),
        (b"fLaC\0\0\0\x22", "soundfile"),
        (b"OggS\0\2", "soundfile"),
        (b"\xff\xfb\x90\0", "soundfile"),
        (ID3 + bytes(130) + b"\xff\xfb\x90\0", "soundfile"),
        (ID3 + bytes(130) + b"fLaC", "soundfile"),
        (b"\0\0\0\x20ftypM4A ", "av"),
        (b"\x1aE\xdf\xa3", "av"),
        (b"\xff\xf1\x60\x40", "av"),
        (ID3 + bytes(130) + b"\xff\xf1\x60\x40", "av"),
        (b"", None),
        (b"\xff", None),
        (b"ID3", None),
        (ID3 + bytes(50), None),
        (b"#EXTM3U\n", None),
        (b"ffconcat version 1.0\n", None),
        (b"MATLAB 5.0 MAT-file", None),
        (bytes(100), None),
    ],
)
def test_first_bytes(head, library):
    stream = io.BytesIO(head)
    assert find_library(stream) == library
    assert stream.tell() == 0


@given(st.binary(max_size=300))
def test_any_bytes(content):
    assert find_library(io.BytesIO(content)) in ("soundfile", "av", None)
