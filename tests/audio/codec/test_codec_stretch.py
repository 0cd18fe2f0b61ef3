import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.codec.stretch import Stretch

SECONDS = st.floats(0, 1e300, allow_nan=False)


@given(
    SECONDS, st.one_of(st.none(), SECONDS), st.integers(0, 2**62), st.sampled_from([8_000, 44_100, 768_000])
)
def test_a_stretch_lies_within_its_file(start, duration, frames, rate):
    stretch = Stretch(start, duration)
    first, count = stretch.within(frames, rate)
    assert 0 <= first <= first + count <= frames
    assert first + count <= stretch.end(rate) or math.isinf(stretch.end(rate)) or first == frames


@pytest.mark.parametrize(
    ("duration", "slack", "count"),
    [
        (0.5, 0.0, 8_000),
        (0.995, 0.01, 16_000),
        (0.99, 0.01, 16_000),
        (0.989, 0.01, 15_824),
        (0.995, 0.0, 15_920),
    ],
)
def test_slack_reaches_the_end_and_no_further(duration, slack, count):
    assert Stretch(0.0, duration, slack).within(16_000, 16_000) == (0, count)
