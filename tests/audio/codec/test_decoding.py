import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from codec_cases import RATE, only_audio_errors, sine

from speakertrip.audio import AudioBytes, decode, encode, read_header
from speakertrip.errors import AudioError, StorageError

# suffix, libsndfile's subtype, and how far a decoded sample may lie from the one that was written
FORMATS = {
    "wav 8 bit": (".wav", "PCM_U8", 2**-7),
    "wav 16 bit": (".wav", "PCM_16", 2**-15),
    "wav 24 bit": (".wav", "PCM_24", 2**-23),
    "wav 32 bit": (".wav", "PCM_32", 2**-23),
    "wav float": (".wav", "FLOAT", 0.0),
    "wav double": (".wav", "DOUBLE", 0.0),
    "flac": (".flac", "PCM_16", 2**-15),
    "ogg vorbis": (".ogg", "VORBIS", 0.1),
    "opus": (".opus", "OPUS", 0.1),
    "mp3": (".mp3", "MPEG_LAYER_III", 0.1),
}
formats = pytest.mark.parametrize("name", FORMATS)


def write(folder: Path, name: str, samples: np.ndarray, rate: int = RATE) -> Path:
    suffix, subtype, _ = FORMATS[name]
    path = folder / f"audio{suffix}"
    try:
        soundfile.write(path, samples, rate, format="OGG" if suffix == ".opus" else None, subtype=subtype)
    except (ValueError, soundfile.SoundFileError):
        pytest.skip(f"libsndfile {soundfile.__libsndfile_version__} writes no {name}")
    return path


@formats
def test_what_was_written_is_decoded(tmp_path, name):
    waveform = sine()
    path = write(tmp_path, name, waveform)
    decoded, rate = decode(path)
    assert rate == RATE
    assert decoded.dtype == np.float32
    assert decoded.shape == waveform.shape
    end = -160 if name == "opus" else None  # its encoder lets the last 5 ms go
    np.testing.assert_allclose(decoded[:end], waveform[:end], rtol=0, atol=FORMATS[name][2])
    header = read_header(path)
    assert (header.sample_rate, header.duration, header.channels) == (RATE, 1.0, 1)


@formats
def test_stereo_becomes_the_mean_of_the_channels(tmp_path, name):
    left, right = sine(hertz=300), sine(hertz=1000)
    path = write(tmp_path, name, np.stack([left, right], axis=1))
    decoded, _ = decode(path)
    assert read_header(path).channels == 2
    end = -160 if name == "opus" else None
    np.testing.assert_allclose(decoded[:end], (left + right)[:end] / 2, rtol=0, atol=FORMATS[name][2] + 1e-7)


@formats
def test_segments(tmp_path, name):
    path = write(tmp_path, name, sine(2.0))
    whole, _ = decode(path)
    tolerance = {"ogg vorbis": 0.05, "opus": 0.05, "mp3": 1e-4}.get(name, 0.0)  # decoders start afresh there
    for start, duration, wanted in [
        (0.5, 1.0, whole[8000:24000]),
        (0.0, 0.25, whole[:4000]),
        (1.5, None, whole[24000:]),
        (1.5, 9.0, whole[24000:]),
        (0.0, 1e300, whole),
        (0.00003, 0.00006, whole[:1]),
    ]:
        np.testing.assert_allclose(decode(path, start, duration)[0], wanted, rtol=0, atol=tolerance)
    for start in (2.0, 5.0, 1e300):
        with pytest.raises(AudioError, match=r"holds no samples from .* s on"):
            decode(path, start)


@formats
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.filterwarnings("error")
def test_truncated_files(tmp_path, name, share):
    path = write(tmp_path, name, sine())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    only_audio_errors(path)


def test_half_a_wav_is_half_the_samples(tmp_path):
    path = write(tmp_path, "wav 16 bit", sine())
    path.write_bytes(path.read_bytes()[: 44 + RATE])
    assert len(decode(path)[0]) == RATE // 2


@formats
def test_flipped_bits(tmp_path, name):
    content = np.frombuffer(write(tmp_path, name, sine(0.3)).read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    path = tmp_path / f"flipped{FORMATS[name][0]}"
    for round_ in range(30):
        flipped = content.copy()
        reach = 100 if round_ % 2 else len(content)  # every second time in the header
        flipped[rng.integers(0, reach, 3)] ^= 1 << rng.integers(0, 8, 3, dtype=np.uint8)
        path.write_bytes(flipped.tobytes())
        only_audio_errors(path)


@formats
def test_bytes_in_memory_are_decoded_as_the_file(tmp_path, name):
    path = write(tmp_path, name, np.stack([sine(hertz=300), sine(hertz=1000)], axis=1))
    content = AudioBytes(path.read_bytes(), "upload")
    for stretch in [(0.0, None), (0.25, 0.5)]:
        waveform, rate = decode(path, *stretch)
        assert decode(content, *stretch)[1] == rate
        np.testing.assert_array_equal(decode(content, *stretch)[0], waveform)


@formats
def test_flipped_bits_in_memory(tmp_path, capfd, name):
    content = np.frombuffer(write(tmp_path, name, sine(0.3)).read_bytes(), np.uint8)
    rng = np.random.default_rng(3)
    for round_ in range(30):
        flipped = content[: rng.integers(0, len(content)) if round_ % 5 == 0 else None].copy()
        reach = 100 if round_ % 2 else len(content)
        part = flipped[:reach]
        if len(part):
            part[rng.integers(0, len(part), 3)] ^= 1 << rng.integers(0, 8, 3, dtype=np.uint8)
        with suppress(AudioError):
            decode(AudioBytes(flipped.tobytes(), "upload"))
    assert "Traceback" not in capfd.readouterr().err  # as from a callback of libsndfile that raises


@pytest.mark.parametrize("content", [b"", b"This is no audio.\n" * 100, b"RIFF"])
def test_bytes_that_are_no_audio(content):
    with pytest.raises(AudioError, match=r"^upload is not audio that can be decoded"):
        decode(AudioBytes(content, "upload"))


@pytest.mark.parametrize(
    "suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".webm", ".aac", ".txt", ""]
)
def test_random_bytes(tmp_path, suffix):
    rng = np.random.default_rng(1)
    path = tmp_path / f"random{suffix}"
    magic = [
        b"",
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"fLaC\0\0\0\x22",
        b"OggS\0\x02",
        b"ID3\x04",
        b"\0\0\0\x20ftypM4A ",
    ]
    for round_ in range(30):
        path.write_bytes(magic[round_ % len(magic)] + rng.bytes(int(rng.integers(0, 3000))))
        only_audio_errors(path)


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 3.4e38])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_are_not_finite(tmp_path, sample, channels):
    samples = np.zeros((RATE, channels), np.float32)
    samples[100] = sample
    path = write(tmp_path, "wav float", samples)
    # 3.4e38 is finite; only the sum of two such is not.
    message = "far beyond full scale" if channels == 1 and sample == 3.4e38 else "not finite"
    with pytest.raises(AudioError, match=message):
        decode(path)


def test_opposite_infinities(tmp_path):
    path = write(tmp_path, "wav float", np.array([[np.inf, -np.inf]] * 100, np.float32))
    with pytest.raises(AudioError, match="not finite"):
        decode(path)


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".txt"])
def test_the_content_decides_and_not_the_suffix(tmp_path, suffix):
    path = write(tmp_path, "wav 16 bit", sine())
    assert len(decode(path.rename(tmp_path / f"wrong{suffix}"))[0]) == RATE


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".raw", ".m4a", ""])
@pytest.mark.parametrize("content", [b"", b"This is no audio.\n" * 100, b"RIFF"])
def test_what_is_no_audio(tmp_path, suffix, content):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(content)
    if suffix == ".m4a":
        pytest.importorskip("av")
    for read in (decode, read_header):
        with pytest.raises(AudioError, match=r"text\S* is not audio that can be decoded"):
            read(path)


def test_a_wav_without_samples(tmp_path):
    path = write(tmp_path, "wav 16 bit", np.zeros(0, np.float32))
    assert path.stat().st_size == 44
    assert read_header(path).duration == 0
    with pytest.raises(AudioError, match=r"holds no samples\.$"):
        decode(path)


def test_a_wav_written_to_a_pipe(tmp_path):
    path = write(tmp_path, "wav 16 bit", sine())
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = (
        b"\xff\xff\xff\xff"  # as programs write that cannot come back to fill it in
    )
    path.write_bytes(content)
    assert read_header(path).duration == 1.0
    assert len(decode(path)[0]) == len(decode(AudioBytes(bytes(content), "pipe"))[0]) == RATE


def with_flac_frames(path: Path, frames: int) -> None:
    content = bytearray(path.read_bytes())
    content[21] = content[21] & 0xF0 | frames >> 32  # 36 bits of STREAMINFO
    content[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)


def test_a_flac_written_to_a_pipe(tmp_path):
    path = write(tmp_path, "flac", sine())
    with_flac_frames(path, 0)
    for read in (decode, read_header):
        with pytest.raises(AudioError, match="does not state its length"):
            read(path)


def test_a_flac_that_claims_too_much(tmp_path):
    path = write(tmp_path, "flac", sine())
    with_flac_frames(path, 2**36 - 1)
    with pytest.raises(AudioError, match="minutes; an utterance may have 60\\."):
        decode(path)
    assert len(decode(path, 0.0, 0.5)[0]) == RATE // 2
    with_flac_frames(path, 3000 * RATE)
    with pytest.raises(AudioError, match="breaks off"):
        decode(path)


def test_longer_than_an_hour(tmp_path):
    path = write(tmp_path, "flac", np.zeros(3610 * 4000, np.float32), 4000)
    with pytest.raises(AudioError, match=r"holds 60\.2 minutes; an utterance may have 60\. Cut it"):
        decode(path)
    assert len(decode(path, 3605.0)[0]) == 5 * 4000


def test_paths_that_are_no_files(tmp_path):
    cases = {
        tmp_path / "absent.wav": "there is no such file",
        tmp_path: "it is not a regular file",
        Path("/dev/zero"): "it is not a regular file" if os.name == "posix" else "",
        Path("a\0b.wav"): "",
        Path("a" * 5000 + ".wav"): "",
    }
    for path, problem in cases.items():
        for read in (decode, read_header):
            with pytest.raises(AudioError, match=f"Cannot read .*{problem}"):
                read(path)


@pytest.mark.parametrize("name", ["ü 声.wav", "a:b.wav", "-.wav", "a%d.wav"])
def test_odd_names(tmp_path, name):
    path = write(tmp_path, "wav 16 bit", sine()).rename(tmp_path / name)
    assert len(decode(path)[0]) == len(decode(str(path))[0]) == RATE


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8(tmp_path):
    path = write(tmp_path, "wav 16 bit", sine()).rename(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    assert len(decode(path)[0]) == RATE
    assert read_header(path).duration == 1.0


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_encode(tmp_path, suffix):
    path = tmp_path / "new" / f"a{suffix}"
    encode(path, sine(), RATE)
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_allclose(decode(path)[0], sine(), rtol=0, atol=2**-15)


def test_encode_where_it_cannot(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        encode(tmp_path, sine(), RATE)
    with pytest.raises(
        StorageError, match=r"^Cannot write .*file/a\.wav: .*/file is a file, not a folder\.$"
    ):
        encode(tmp_path / "file" / "a.wav", sine(), RATE)
    with pytest.raises(StorageError, match=r"Cannot write .*xyz"):
        encode(tmp_path / "a.xyz", sine(), RATE)
    with pytest.raises(StorageError, match=r"Cannot write .*/a: "):
        encode(tmp_path / "a", sine(), RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_encode_on_a_full_disk_leaves_no_half_file(tmp_path):
    script = """
import resource, sys
import numpy as np
from speakertrip.audio import encode
from speakertrip.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    encode(sys.argv[1], np.zeros(16_000, np.float32), 16_000)
except StorageError as error:
    sys.exit(str(error))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "a.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == f"Cannot write {tmp_path}/a.wav: File too large.\n"
    assert list(tmp_path.iterdir()) == []
