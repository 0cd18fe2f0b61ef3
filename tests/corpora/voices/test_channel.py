import numpy as np
import pytest

from speakertrip.audio import SAMPLE_RATE


@pytest.mark.parametrize("snr", [0.0, 10.0, 25.0])
def test_noise_lies_below_the_speech_by_the_stated_ratio(say, power_spectrum, snr):
    clean = say(channel={"snr": 200.0}).astype(float)
    noisy = say(channel={"snr": snr, "noise_color": 1.0}).astype(float)
    speech = clean * (clean @ noisy) / (clean @ clean)
    noise = noisy - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.3)
    # Pink noise: the octave from 500 Hz to 1 kHz holds what the one from 2 to 4 kHz holds.
    spectrum = power_spectrum(noise)
    assert 10 * np.log10(spectrum[16:32].sum() / spectrum[64:128].sum()) == pytest.approx(0, abs=1.5)


def test_equalisation_is_a_cosine_series_in_decibels_over_mel(say, power_spectrum):
    plain = power_spectrum(say(channel={"snr": 200.0}))
    shaped = power_spectrum(say(channel={"snr": 200.0, "equalisation": (6.0,)}))
    gain = 10 * np.log10(shaped / plain)
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    middle = np.argmin(np.abs(hertz - 1742))  # half the mels of 8 kHz
    assert gain[10] - gain[middle] == pytest.approx(
        6 * np.cos(np.pi * np.log1p(312.5 / 700) / 2.5208), abs=0.7
    )
    assert gain[middle] - gain[240] == pytest.approx(6.0, abs=0.7)
