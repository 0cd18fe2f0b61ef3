import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.codec.content import find_format
from speakertrip.audio.structure import LONGEST_PAGE, SUFFIXES, is_cut, is_misnamed

WAVE = (0.1 * np.random.default_rng(0).standard_normal(8000)).astype(np.float32)
KINDS = {  # how libsndfile names them, and what they are
    ("WAV", "PCM_16"): "WAV",
    ("WAV", "FLOAT"): "WAV",
    ("WAVEX", "PCM_24"): "WAV",
    ("RF64", "PCM_16"): "WAV",
    ("FLAC", "PCM_16"): "FLAC",
    ("OGG", "VORBIS"): "Ogg",
    ("OGG", "OPUS"): "Ogg",
    ("MP3", "MPEG_LAYER_III"): "MP3",
    ("AIFF", "PCM_16"): "AIFF",
    ("AU", "ULAW"): "AU",
    ("NIST", "PCM_16"): "NIST",
    ("W64", "PCM_16"): "W64",
    ("CAF", "PCM_16"): "CAF",
}


def write(container, subtype, samples=WAVE, endian="FILE"):
    content = io.BytesIO()
    soundfile.write(content, samples, 16_000, format=container, subtype=subtype, endian=endian)
    return content.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_formats_by_content(kind):
    content = write(*kind)
    assert find_format(io.BytesIO(content)) == KINDS[kind]
    assert not is_cut(io.BytesIO(content), KINDS[kind])
    assert not is_cut(io.BytesIO(content + b"what somebody added"), KINDS[kind])


def test_tags_before_the_audio():
    tags = b"ID3\x04\0\0" + bytes([0, 0, 2, 5]) + bytes(2 * 128 + 5)
    assert find_format(io.BytesIO(tags + write("MP3", "MPEG_LAYER_III"))) == "MP3"
    assert find_format(io.BytesIO(tags + write("FLAC", "PCM_16"))) == "FLAC"
    assert find_format(io.BytesIO(tags[:8])) is None


@pytest.mark.parametrize(
    ("kind", "shortest"),
    # An Ogg file shorter than its first page is no audio at all.
    [(("WAV", "PCM_16"), 44), (("WAV", "FLOAT"), 80), (("OGG", "VORBIS"), 60), (("OGG", "OPUS"), 60)],
)
def test_every_cut_is_seen(kind, shortest):
    content = write(*kind)
    pages = [place for place in range(len(content)) if content.startswith(b"OggS", place)]
    looks_whole = {place + begun for place in pages for begun in range(4)}
    for end in range(shortest, len(content), 7):
        if end not in looks_whole:
            assert is_cut(io.BytesIO(content[:end]), KINDS[kind]), end


def test_a_cut_of_big_endian():
    content = write("WAV", "PCM_16", endian="BIG")
    assert content.startswith(b"RIFX")
    assert not is_cut(io.BytesIO(content), "WAV")
    assert is_cut(io.BytesIO(content[:-2]), "WAV")


def test_sizes_that_nobody_knew():
    content = bytearray(write("WAV", "PCM_16"))
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000):  # as programs write to a pipe
        content[40:44] = size.to_bytes(4, "little")
        assert not is_cut(io.BytesIO(content), "WAV")


def test_a_chunk_after_the_samples_is_no_loss():
    content = write("WAV", "PCM_16") + b"LIST" + (1000).to_bytes(4, "little") + b"cut"
    assert not is_cut(io.BytesIO(content), "WAV")


def test_m4a(tmp_path, write_m4a):
    for suffix, container, codec, name in (("m4a", "ipod", "aac", "MP4"), ("aac", "adts", "aac", "AAC")):
        path = tmp_path / f"a.{suffix}"
        write_m4a(path, WAVE[None], 16_000, container, codec)
        content = path.read_bytes()
        assert find_format(io.BytesIO(content)) == name
        assert not is_cut(io.BytesIO(content), name)
    content = (tmp_path / "a.m4a").read_bytes()
    table = content.index(b"moov") - 4  # without it, an MP4 file cannot be read at all
    for end in (*range(table // 2, table, 11), *range(table + 8, len(content), 11)):
        assert is_cut(io.BytesIO(content[:end]), "MP4"), end


@given(
    st.sampled_from(
        [b"", b"RIFF\0\0\0\0WAVE", b"RIFX\0\0\0\0WAVE", b"OggS", b"\0\0\0\x08ftyp", b"ID3\4\0\0\0\0", b"fLaC"]
    ),
    st.lists(
        st.sampled_from([b"data", b"OggS", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1"])
        | st.binary(max_size=20)
    ).map(b"".join),
)
def test_any_bytes_are_looked_at(mark, rest):
    stream = io.BytesIO(mark + rest)
    format_ = find_format(stream)
    assert format_ is None or format_ in SUFFIXES
    for each in (format_, *SUFFIXES):
        assert is_cut(stream, each) in (True, False)


def test_hostile_files_end():
    chunks = b"RIFF\0\0\0\0WAVE" + bytes(3_000_000)
    assert not is_cut(io.BytesIO(chunks), "WAV")
    pages = b"OggS" * (LONGEST_PAGE // 2)
    assert is_cut(io.BytesIO(pages), "Ogg")
    boxes = b"\0\0\0\x08free" * 300_000
    assert not is_cut(io.BytesIO(boxes), "MP4")


def test_names():
    for format_, suffixes in SUFFIXES.items():
        for suffix in suffixes:
            assert not is_misnamed(suffix.upper(), format_)
            others = {other for other in SUFFIXES if suffix not in SUFFIXES[other]}
            assert all(is_misnamed(suffix, other) for other in others)
    assert is_misnamed(".mp3", "WAV")
    assert is_misnamed(".wav", "MP4")
    assert not is_misnamed(".wav", None)
    assert not is_misnamed("", "WAV")
    assert not is_misnamed(".tar", "WAV")
