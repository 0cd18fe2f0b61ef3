import numpy as np
import pytest

from speakertrip.corpora.voices.glottis import _tilt


@pytest.mark.parametrize("loss", [0.5, 6.0, 14.0])
def test_tilt_is_the_loss_at_3_khz(loss):
    impulse = np.zeros(1600)
    impulse[0] = 1.0
    gain = np.abs(np.fft.rfft(_tilt(impulse, loss)))
    assert gain[0] == pytest.approx(1)
    assert 20 * np.log10(gain[300]) == pytest.approx(-loss, abs=0.01)


def test_a_breathy_voice_has_more_noise_at_high_frequencies(say, power_spectrum):
    breathy, clear = (power_spectrum(say(voice={"breathiness": level})) for level in (-6.0, -40.0))
    assert breathy[96:].sum() / breathy.sum() > 1.5 * clear[96:].sum() / clear.sum()  # above 3 kHz
