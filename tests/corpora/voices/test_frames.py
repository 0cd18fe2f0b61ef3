import numpy as np
import pytest

from speakertrip.corpora.voices.frames import FRAME, FRAMES_PER_SECOND, smooth, to_samples


def test_a_constant_stays_one():
    np.testing.assert_allclose(smooth(np.full((50, 3), 7.0), 0.05), 7.0)
    np.testing.assert_allclose(to_samples(np.full(5, 7.0)), np.full(5 * FRAME, 7.0))


@pytest.mark.parametrize("seconds", [0.02, 0.05, 0.2])
def test_a_step_is_smoothed_over_the_length_of_the_window(seconds):
    track = np.repeat([0.0, 1.0], 100)
    smoothed = smooth(track, seconds)
    assert (np.diff(smoothed) >= -1e-12).all()
    assert smoothed[99] + smoothed[100] == pytest.approx(1.0)  # it rises about its middle
    between = np.flatnonzero((smoothed > 1e-9) & (smoothed < 1 - 1e-9))
    assert len(between) == pytest.approx(seconds * FRAMES_PER_SECOND, abs=2)


def test_samples_lie_on_lines_between_frame_centres():
    samples = to_samples(np.array([0.0, 80.0, 160.0]))
    assert len(samples) == 3 * FRAME
    middle = samples[FRAME // 2 : -FRAME // 2]
    np.testing.assert_allclose(np.diff(middle), 1.0)
    assert (samples[: FRAME // 2] == 0).all()  # before the first centre there is nothing to interpolate
