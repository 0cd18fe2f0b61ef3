import math

import numpy as np
import pytest

from speakertrip.backend import decide, in_words


@pytest.mark.parametrize(("score", "accepted"), [(0.49, False), (0.5, True), (0.51, True)])
def test_accepts_at_or_above_the_threshold(score, accepted):
    decision = decide(score, 0.5)
    assert (decision.score, decision.threshold, decision.accepted) == (score, 0.5, accepted)


def test_the_threshold_is_not_rounded_to_a_score_of_float32():
    score = np.float32(0.3)
    assert not decide(score, float(score) + 1e-9).accepted


def test_only_a_calibrated_score_is_a_ratio():
    assert decide(0.5, 0.5).llr is None
    assert decide(0.5, 0.5, calibrated=True).llr == 0.5


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(1, "1.0 times"), (9.6, "10 times"), (1_234, "1,234 times"), (2e9, "a million or more times")],
)
def test_ratios_in_words(ratio, words):
    assert in_words(math.log(ratio)) == f"{words} as likely from the same speaker as from another"
    if ratio > 1:
        assert in_words(-math.log(ratio)) == f"{words} as likely from another speaker as from the same"
