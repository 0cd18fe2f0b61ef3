"""What libsndfile decodes beside the usual formats, and how little of a file it reads."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from codec_cases import RATE, Counted, noise, sine

from speakertrip.audio import AudioBytes, decode, read_header
from speakertrip.audio.codec import encode_bytes, sound
from speakertrip.errors import AudioError, TruncatedError

LOSSLESS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("WAVEX", "PCM_16"), ("WAVEX", "PCM_24"), ("WAVEX", "FLOAT"), ("RF64", "PCM_16"), ("W64", "PCM_16"),
    ("AIFF", "PCM_S8"), ("AIFF", "PCM_24"), ("AU", "PCM_16"), ("AU", "FLOAT"), ("CAF", "PCM_16"), ("NIST", "PCM_16"),
    ("FLAC", "PCM_S8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"),
]  # fmt: skip
TELEPHONE = [
    ("WAV", "ALAW"),
    ("WAV", "ULAW"),
    ("AU", "ULAW"),
    ("NIST", "ULAW"),
    ("WAV", "GSM610"),
    ("AU", "G721_32"),
]
LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16}


def file_of(waveform: np.ndarray, container: str, subtype: str, rate: int = RATE) -> AudioBytes:
    content = io.BytesIO()
    soundfile.write(content, waveform, rate, format=container, subtype=subtype)
    return AudioBytes(content.getvalue(), "file")


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_lossless_formats_and_their_stretches_are_exact(container, subtype):
    source = file_of(noise(2.0), container, subtype)
    whole, rate = decode(source)
    assert rate == RATE
    np.testing.assert_allclose(whole, noise(2.0), rtol=0, atol=2.0 ** (1 - BITS.get(subtype, 24)))
    for start, seconds in ((0.0, 0.1), (0.1234, 0.5), (1.9, 0.1)):
        stretch = decode(source, start, seconds)[0]
        np.testing.assert_array_equal(stretch, whole[round(start * rate) :][: round(seconds * rate)])


@pytest.mark.parametrize(("container", "subtype"), TELEPHONE)
def test_telephone_formats(container, subtype):
    source = file_of(sine(2.0, rate=8_000), container, subtype, 8_000)
    whole, rate = decode(source)
    assert rate == 8_000
    assert np.sqrt(np.mean((whole[:16_000] - sine(2.0, rate=8_000)) ** 2)) < 0.05
    np.testing.assert_array_equal(decode(source, 0.5, 1.0)[0], whole[4_000:12_000])


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_stretches_of_lossy_formats_are_within_a_hundredth(container, subtype):
    source = file_of(noise(6.0), container, subtype)
    whole, _ = decode(source)
    starts = np.random.default_rng(1).uniform(0, 5.5, 12)
    for start in [0.0, 1 / RATE, *starts]:
        wanted = whole[round(start * RATE) :][: RATE // 2]
        np.testing.assert_allclose(decode(source, start, 0.5)[0], wanted, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("container", "subtype"), [("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")]
)
def test_a_stretch_is_read_without_the_rest(container, subtype):
    """Not so of MP3, which has no index: the headers of its frames are read from the beginning."""
    stream = Counted(file_of(noise(120.0), container, subtype).content)
    decode(stream, 80.0, 1.0)
    assert stream.count < 0.4 * len(stream.getvalue())


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), *LOSSY])
def test_blocks_are_no_seams(monkeypatch, container, subtype):
    source = file_of(np.stack([noise(2.0)] * 2, axis=1), container, subtype)
    whole = decode(source)[0]
    monkeypatch.setattr(sound, "BLOCK_VALUES", 2_000)
    np.testing.assert_array_equal(decode(source)[0], whole)


def wav(chunks: list[tuple[bytes, bytes]]) -> AudioBytes:
    body = b"WAVE" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return AudioBytes(b"RIFF" + struct.pack("<I", len(body)) + body, "file")


FMT = (b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16))
DATA = (b"data", (sine() * 32_767).astype("<i2").tobytes())


@pytest.mark.parametrize(
    "chunks",
    [
        [FMT, (b"LIST", b"INFOISFT\5\0\0\0odd!\0"), DATA],
        [(b"JUNK", bytes(27)), FMT, (b"fact", bytes(4)), (b"cue ", bytes(4)), DATA],
        [FMT, DATA, (b"LIST", b"INFO"), (b"id3 ", b"ID3")],
        [FMT, (b"odd ", b"x"), (b"zzzz", b"12345"), DATA],
    ],
)
def test_a_wav_with_other_chunks(chunks):
    assert len(decode(wav(chunks))[0]) == RATE


@pytest.mark.parametrize("channels", [0, 1_025, 65_535])
def test_channels_that_a_header_invents(channels):
    content = bytearray(encode_bytes(sine(), RATE, "WAV", "PCM_16"))
    content[22:24] = channels.to_bytes(2, "little")
    with pytest.raises(AudioError, match=r"^file "):
        decode(AudioBytes(bytes(content), "file"))
    with pytest.raises(AudioError, match=r"^file "):
        decode(AudioBytes(bytes(content[:100]), "file"))


def test_a_thousand_channels():
    content = file_of(np.repeat(sine(0.1)[:, None], 1_024, axis=1), "WAV", "PCM_16")
    np.testing.assert_allclose(decode(content)[0], sine(0.1), atol=2**-15)
    assert read_header(content).channels == 1_024


@pytest.mark.parametrize("rate", [0, 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_rates_that_a_header_invents(rate):
    content = bytearray(encode_bytes(sine(), RATE, "WAV", "PCM_16"))
    content[24:28] = rate.to_bytes(4, "little")
    for read in (decode, read_header):
        with pytest.raises(
            AudioError, match=r"^file (states a sample rate of|is not audio that can be decoded)"
        ):
            read(AudioBytes(bytes(content), "file"))


def sparse_wav(path: Path, hours: float) -> None:
    """Write the header of so many hours, and nothing behind it that takes room on the disk."""
    size = round(hours * 3600) * 2 * RATE
    path.write_bytes(
        b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + FMT[0] + struct.pack("<I", 16) + FMT[1]
    )
    with path.open("ab") as file:
        file.write(b"data" + struct.pack("<I", size))
    os.truncate(path, 44 + size)


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs the counters of Linux")
def test_ten_hours_are_refused_unread_and_a_stretch_of_them_is_not(tmp_path):
    path = tmp_path / "long.wav"
    sparse_wav(path, 10)
    before = bytes_read()
    with pytest.raises(AudioError, match=r"holds 600\.0 minutes; an utterance may have 60\. Cut it"):
        decode(path)
    assert len(decode(path, 35_000.0, 1.0)[0]) == RATE
    assert bytes_read() - before < 2**20


def test_hours_of_silence_in_kilobytes(tmp_path, monkeypatch):
    """A whole hour is tried outside of the tests; here an hour is 20 s."""
    monkeypatch.setattr("speakertrip.audio.limits.MAX_SECONDS", 20.0)
    for container, subtype in (("FLAC", "PCM_16"), *LOSSY):
        source = file_of(np.zeros(60 * RATE, np.float32), container, subtype)
        with pytest.raises(AudioError, match="minutes; an utterance may have"):
            decode(source)
        assert len(decode(source, 50.0, 1.0)[0]) == RATE


def test_a_flac_that_breaks_off():
    content = file_of(noise(4.0), "FLAC", "PCM_16").content
    cut = AudioBytes(content[: len(content) // 2], "cut")
    with pytest.raises(TruncatedError, match=r"^cut breaks off"):
        decode(cut)
    assert len(decode(cut, 0.5, 1.0)[0]) == RATE


def test_damaged_vorbis_tables_end_in_an_error_and_not_in_the_process(tmp_path):
    from speakertrip.audio.corruption import mend_ogg

    content = bytearray(file_of(noise(1.0), "OGG", "VORBIS").content)
    tables = content.rindex(b"vorbis", 0, 4_000)
    refused = 0
    for place in range(tables + 6, tables + 600, 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        source = AudioBytes(mend_ogg(bytes(damaged)), "x")
        for start in (0.0, 0.4):
            try:
                decode(source, start, 0.2)
            except AudioError:
                refused += 1
    assert refused


def test_the_suffix_means_nothing_to_libsndfile(tmp_path):
    for suffix in (".gsm", ".vox", ".raw", ".ul", ".sd2"):
        path = tmp_path / f"text{suffix}"
        path.write_bytes(b"This is no audio.\n" * 100)
        with pytest.raises(AudioError, match="is not audio that can be decoded"):
            decode(path)


@pytest.mark.parametrize(("container", "subtype"), [("MAT5", "PCM_16"), ("VOC", "PCM_16"), ("PAF", "PCM_16")])
def test_formats_that_hold_no_speech_are_not_even_opened(container, subtype):
    with pytest.raises(AudioError, match="is not audio that can be decoded"):
        decode(file_of(sine(), container, subtype))
