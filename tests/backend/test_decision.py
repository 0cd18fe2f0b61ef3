import pytest

from speakertrip.backend import decide


@pytest.mark.parametrize(("score", "accepted"), [(0.49, False), (0.5, True), (0.51, True)])
def test_accepts_at_or_above_the_threshold(score, accepted):
    decision = decide(score, 0.5)
    assert (decision.score, decision.threshold, decision.accepted) == (score, 0.5, accepted)
