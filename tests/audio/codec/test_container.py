"""m4a, webm and raw AAC, by av."""

import io
import math
import sys
from collections.abc import Callable

import numpy as np
import pytest
from codec_cases import RATE, Counted, noise, only_audio_errors, sine

from speakertrip.audio import AudioBytes, codec, decode, read_header
from speakertrip.errors import AudioError, TruncatedError

Write = Callable[..., None]


def middle(waveform: np.ndarray) -> np.ndarray:
    return waveform[len(waveform) // 4 : -len(waveform) // 4]


def level(waveform: np.ndarray) -> float:
    return math.sqrt(float(np.mean(middle(waveform) ** 2)))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_m4a(tmp_path, write_m4a: Write, rate):
    path = tmp_path / "a.m4a"
    write_m4a(path, sine(2.0, rate=rate)[None], rate)
    waveform, decoded_rate = decode(path)
    assert decoded_rate == rate
    assert abs(len(waveform) / rate - 2.0) < 0.3  # whole codec frames; players cut the first, few decoders do
    assert level(waveform) == pytest.approx(level(sine()), rel=0.03)
    start = decode(path, 0.5, 1.0)[0]
    np.testing.assert_array_equal(start, waveform[rate // 2 : rate // 2 + rate])


def test_m4a_header_is_read_and_not_decoded(tmp_path, write_m4a: Write, monkeypatch):
    path = tmp_path / "a.M4A"
    write_m4a(path, np.stack([sine(2.0)] * 2), RATE)
    seconds = len(decode(path)[0]) / RATE
    monkeypatch.setattr(codec.container, "decode", lambda *_: pytest.fail("decoded"))
    header = read_header(path)
    assert (header.sample_rate, header.channels) == (RATE, 2)
    assert header.duration == pytest.approx(seconds, abs=0.1)


def test_webm_header_is_read_and_not_decoded(tmp_path, write_m4a: Write, monkeypatch):
    path = tmp_path / "a.webm"
    write_m4a(path, sine(2.0, rate=48_000)[None], 48_000, "webm", "libopus")
    assert level(decode(path)[0]) == pytest.approx(level(sine()), rel=0.03)
    monkeypatch.setattr(codec.container, "decode", lambda *_: pytest.fail("decoded"))
    assert read_header(path).duration == pytest.approx(2.0, abs=0.1)


def test_raw_aac_states_no_duration_and_is_decoded(tmp_path, write_m4a: Write):
    path = tmp_path / "a.aac"
    quiet_then_loud = np.concatenate([np.zeros(3 * RATE, np.float32), sine()])  # av guesses from the bit rate
    write_m4a(path, quiet_then_loud[None], RATE, "adts")
    assert read_header(path).duration == len(decode(path)[0]) / RATE
    assert read_header(path).duration == pytest.approx(4.0, abs=0.3)


def test_m4a_stereo_becomes_the_mean_of_the_channels(tmp_path, write_m4a: Write):
    path = tmp_path / "a.m4a"
    write_m4a(path, np.stack([sine(), np.zeros(RATE, np.float32)]), RATE)
    assert level(decode(path)[0]) == pytest.approx(level(sine()) / 2, rel=0.03)


def test_m4a_names_with_a_colon(tmp_path, write_m4a: Write):
    path = tmp_path / "a.m4a"
    write_m4a(path, sine()[None], RATE)
    assert len(decode(path.rename(tmp_path / "concat:é b.m4a"))[0]) >= RATE


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile a.m4a\n", "#EXTM3U\n#EXTINF:1,\na.m4a\n#EXT-X-ENDLIST\n"]
)
def test_a_playlist_opens_no_other_file(tmp_path, write_m4a: Write, text):
    write_m4a(tmp_path / "a.m4a", sine()[None], RATE)
    (tmp_path / "list.m4a").write_text(text)
    for read in (decode, read_header):
        with pytest.raises(AudioError, match="is not audio"):
            read(tmp_path / "list.m4a")


@pytest.mark.parametrize(
    "kind", [("a.m4a", "ipod", "aac"), ("a.webm", "webm", "libopus"), ("a.aac", "adts", "aac")]
)
def test_broken_m4a(tmp_path, write_m4a: Write, kind):
    name, container, encoder = kind
    path = tmp_path / name
    rate = 48_000 if encoder == "libopus" else RATE
    write_m4a(path, sine(0.5, rate=rate)[None], rate, container, encoder)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    rng = np.random.default_rng(2)
    for round_ in range(40):
        broken = content.copy()
        # An m4a ends with its table of contents.
        reach = slice(None) if round_ % 2 else slice(-900, None) if name == "a.m4a" else slice(0, 400)
        part = broken[reach]
        part[rng.integers(0, len(part), 3)] ^= 1 << rng.integers(0, 8, 3, dtype=np.uint8)
        path.write_bytes(broken[: rng.integers(0, len(broken)) if round_ % 8 == 0 else None].tobytes())
        only_audio_errors(path)


def test_m4a_without_av(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    with pytest.raises(AudioError, match=r"needs the 'av' package: pip install 'speakertrip\[m4a\]'"):
        decode(tmp_path / "a.m4a")


KINDS = {"m4a": (RATE, "ipod", "aac"), "webm": (48_000, "webm", "libopus"), "aac": (RATE, "adts", "aac")}
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_stretches_are_those_of_the_whole(tmp_path, write_m4a: Write, kind):
    rate, container, encoder = KINDS[kind]
    path = tmp_path / f"a.{kind}"
    write_m4a(path, noise(12.0, rate)[None], rate, container, encoder)
    whole, _ = decode(path)
    for start, seconds in [
        (0.0, 0.5),
        (0.3, 0.2),
        (0.7, 1.0),
        (1.0, 0.02),
        (7.777, 0.5),
        (11.2, None),
        (11.9, 9.0),
    ]:
        wanted = whole[round(start * rate) :][: None if seconds is None else round(seconds * rate)]
        waveform, decoded_rate = decode(path, start, seconds)
        assert decoded_rate == rate
        np.testing.assert_allclose(waveform, wanted, rtol=0, atol=0.01)
    with pytest.raises(AudioError, match="holds no samples from 13 s on"):
        decode(path, 13.0)


@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_a_stretch_is_read_without_the_rest(tmp_path, write_m4a: Write, kind):
    rate, container, encoder = KINDS[kind]
    path = tmp_path / f"a.{kind}"
    write_m4a(path, noise(60.0, rate)[None], rate, container, encoder)
    stream = Counted(path.read_bytes())
    decode(stream, 40.0, 1.0)
    assert stream.count < 0.35 * len(stream.getvalue())


@kinds
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ""])
def test_the_content_decides(tmp_path, write_m4a: Write, kind, suffix):
    rate, container, encoder = KINDS[kind]
    path = tmp_path / f"a.{kind}"
    write_m4a(path, sine(1.0, rate=rate)[None], rate, container, encoder)
    waveform, _ = decode(path)
    np.testing.assert_array_equal(decode(path.rename(tmp_path / f"wrong{suffix}"))[0], waveform)
    content = (tmp_path / f"wrong{suffix}").read_bytes()
    np.testing.assert_array_equal(decode(AudioBytes(content, "upload"))[0], waveform)
    np.testing.assert_array_equal(decode(io.BytesIO(content))[0], waveform)
    assert read_header(AudioBytes(content, "upload")).sample_rate == rate


def test_a_webm_that_breaks_off(tmp_path, write_m4a: Write):
    write_m4a(tmp_path / "a.webm", noise(4.0, 48_000)[None], 48_000, "webm", "libopus")
    content = (tmp_path / "a.webm").read_bytes()
    cut = AudioBytes(content[: len(content) // 2], "cut")
    with pytest.raises(
        TruncatedError, match=r"^cut breaks off at [12]\.\d\d s of the 4\.\d\d s that it states"
    ):
        decode(cut)
    assert len(decode(cut, 0.0, 1.0)[0]) == 48_000


def test_a_channel_of_an_m4a(tmp_path, write_m4a: Write):
    path = tmp_path / "a.m4a"
    write_m4a(path, np.stack([sine(hertz=300), sine(hertz=1000)]), RATE)
    for channel, hertz in ((0, 300), (1, 1000)):
        spectrum = np.abs(np.fft.rfft(decode(path, channel=channel)[0][:RATE]))
        assert abs(int(spectrum.argmax()) - hertz) <= 1


def test_pictures_and_rare_codecs_are_left_alone(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        pictures = output.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height = 16, 16
        for each in [av.VideoFrame(16, 16, "yuv420p"), None]:
            output.mux(pictures.encode(each))
    with pytest.raises(AudioError, match="is not audio that can be decoded"):
        decode(path)


def test_more_than_an_hour(tmp_path, write_m4a: Write, monkeypatch):
    monkeypatch.setattr("speakertrip.audio.limits.MAX_SECONDS", 2.0)
    for name, container in (("a.m4a", "ipod"), ("a.aac", "adts")):
        write_m4a(tmp_path / name, noise(4.0, RATE)[None], RATE, container)
        with pytest.raises(AudioError, match="minutes; an utterance may have"):
            decode(tmp_path / name)
    assert len(decode(tmp_path / "a.m4a", 2.5, 1.0)[0]) == RATE
