import numpy as np
import pytest

from speakertrip.audio.augment.transcoding import FORMATS, telephone, transcode


def mulaw(x):
    """G.711 mu-law there and back, by the book: 14-bit magnitudes, 8 segments of 16 steps."""
    codes = []
    for value in np.round(x.astype(float) * 8_191.75).astype(int).tolist():
        magnitude = min(abs(value), 8_158) + 33
        segment = magnitude.bit_length() - 6
        step = (magnitude >> (segment + 1)) & 15
        decoded = ((2 * step + 33) << segment) - 33
        codes.append(4 * decoded * (1 if value >= 0 else -1))
    return np.array(codes) / 32_768


def test_mulaw_is_that_of_the_book():
    waveform = np.random.default_rng(0).laplace(0, 0.05, 5_000).clip(-0.9, 0.9).astype(np.float32)
    np.testing.assert_allclose(transcode(waveform, 8_000, "mulaw"), mulaw(waveform), atol=1e-6)


@pytest.mark.parametrize("codec", FORMATS)
@pytest.mark.parametrize("samples", [1, 159, 160, 161, 1_600, 16_000, 31_999])
def test_lengths_are_kept_and_nothing_is_moved(codec, samples, speech_like):
    waveform = speech_like(2.0, 4)[-samples:]
    coded = transcode(waveform, 8_000 if codec in ("mulaw", "alaw", "gsm") else 16_000, codec)
    assert coded.shape == (samples,)
    if samples > 10_000:
        points = 2 * samples
        product = np.fft.rfft(coded, points) * np.conj(np.fft.rfft(waveform, points))
        assert np.fft.irfft(product, points).argmax() == 0
        assert np.corrcoef(coded, waveform)[0, 1] > 0.8


@pytest.mark.parametrize("codec", ["opus", "mp3"])
def test_more_compression_is_further_from_the_original(codec, speech_like):
    waveform = speech_like(2.0, 1) + 0.02 * np.random.default_rng(0).standard_normal(32_000).astype(
        np.float32
    )
    errors = [np.std(transcode(waveform, 16_000, codec, level) - waveform) for level in (0.0, 0.7, 1.0)]
    assert errors == sorted(errors)
    assert errors[2] > 1.5 * errors[0]


def test_beyond_full_scale_nothing_is_clipped(speech_like):
    waveform = speech_like(1.0, 0)
    np.testing.assert_allclose(
        transcode(8 * waveform, 8_000, "mulaw") / 8,
        transcode(waveform * 2, 8_000, "mulaw") / 2,
        atol=0.01,
    )


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "gsm"])
def test_a_telephone_line_keeps_300_to_3400_hertz(codec):
    noise = 0.1 * np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    powers = np.abs(np.fft.rfft(telephone(noise, codec))) ** 2
    before = np.abs(np.fft.rfft(noise)) ** 2

    def kept(low, high):
        return powers[2 * low : 2 * high].sum() / before[2 * low : 2 * high].sum()

    assert kept(4_100, 8_000) < 1e-5
    assert kept(400, 3_000) > (0.2 if codec == "gsm" else 0.9)
    assert kept(10, 150) < 0.05


def test_a_tone_passes_a_telephone_line_in_place_and_level():
    tone = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(16_001) / 16_000).astype(np.float32)
    coded = telephone(tone, "mulaw")
    assert coded.shape == tone.shape
    np.testing.assert_allclose(coded[1_000:-1_000], tone[1_000:-1_000], atol=0.03)
