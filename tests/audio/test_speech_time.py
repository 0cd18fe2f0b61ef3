import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio.speech_time import SpeechTime

STRETCHES = st.lists(st.floats(0, 100, width=16), max_size=10, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(stretches=STRETCHES, moment=st.floats(0, 120))
def test_speech_before_a_moment_is_what_a_loop_counts(stretches, moment):
    counted = sum(max(0.0, min(end, moment) - start) for start, end in stretches)
    time = SpeechTime.of(stretches)
    assert time.before(moment) == pytest.approx(counted, abs=1e-9)
    assert time.total == pytest.approx(sum(end - start for start, end in stretches), abs=1e-9)


@given(stretches=STRETCHES.filter(len), share=st.floats(0.01, 0.99))
def test_the_moment_of_an_amount_has_that_much_before_it(stretches, share):
    time = SpeechTime.of(stretches)
    moment = time.moments_of(share * time.total)
    assert time.before(moment) == pytest.approx(share * time.total, abs=1e-6)


def test_without_speech():
    time = SpeechTime.of([])
    assert (time.total, time.before([0.0, 3.0]).tolist()) == (0.0, [0.0, 0.0])
    assert np.isfinite(time.moments)
