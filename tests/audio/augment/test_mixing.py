import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.augment.mixing import mix, power


@given(
    st.integers(1, 20_000),
    st.floats(-30, 60),
    st.floats(1e-4, 1e4),
    st.floats(1e-4, 1e4),
    st.integers(0, 2**31),
)
def test_the_ratio_is_exact(samples, snr_db, loud, noisy, seed):
    rng = np.random.default_rng(seed)
    signal, noise = (
        (level * rng.choice([-1.0, 1.0], samples) * rng.uniform(0.5, 1, samples)).astype(np.float32)
        for level in (loud, noisy)
    )
    added = mix(np.zeros(samples, np.float32) + signal, noise, snr_db).astype(float) - signal
    # Rounding of the sum to float32 is itself noise, 140 dB below it.
    assert 10 * np.log10(np.mean(signal.astype(float) ** 2) / np.mean(added**2)) == pytest.approx(
        snr_db, abs=0.01
    )


def test_power_by_a_plain_loop():
    waveform = np.array([0.5, -1.5, 2.0], np.float32)
    assert power(waveform) == sum(float(x) * float(x) for x in waveform) / 3


@pytest.mark.parametrize("silent", ["signal", "noise", "both"])
def test_silence_has_no_ratio(silent):
    signal, noise = np.full(10, 0.5, np.float32), np.full(10, 0.1, np.float32)
    if silent != "noise":
        signal[:] = 0
    if silent != "signal":
        noise[:] = 0
    assert mix(signal, noise, 5.0) is signal
