import numpy as np
from scipy.signal import freqz

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.frames import FRAME
from speakertrip.corpora.voices.tract import cascade
from speakertrip.corpora.voices.voice import BANDWIDTHS


def test_the_cascade_has_the_response_of_its_resonators():
    formants = np.array([500.0, 1500, 2500, 3500, 4500, 5500, 6500])
    impulse = np.zeros(40 * FRAME)
    impulse[0] = 1.0
    got = np.fft.rfft(cascade(impulse, np.tile(formants, (40, 1)), BANDWIDTHS))
    wanted = np.ones(len(got), complex)
    for formant, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        c = -np.exp(-2 * np.pi * bandwidth / SAMPLE_RATE)
        b = 2 * np.exp(-np.pi * bandwidth / SAMPLE_RATE) * np.cos(2 * np.pi * formant / SAMPLE_RATE)
        wanted *= freqz([1 - b - c], [1, -b, -c], np.linspace(0, np.pi, len(got)))[1]
    assert np.abs(got - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert abs(got[0] - 1) < 1e-6


def test_a_shorter_tract_moves_the_envelope_up_by_its_factor(say, power_spectrum):
    long_tract, short_tract = (
        power_spectrum(say(seconds=6.0, voice={"tract_factor": f})) for f in (1.0, 1.2)
    )
    hertz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    band = np.linspace(300, 4000, 200)
    warped = {
        factor: np.corrcoef(
            np.log(np.interp(band, hertz, long_tract)), np.log(np.interp(band * factor, hertz, short_tract))
        )[0, 1]
        for factor in (0.83, 1.0, 1.2)
    }
    assert max(warped, key=lambda factor: warped[factor]) == 1.2
