from itertools import pairwise

import numpy as np
import pytest

from speakertrip.config import OptimizerConfig
from speakertrip.training.schedules import learning_rate, on_the_way


def test_learning_rate_rises_falls_and_never_leaves_its_range():
    config = OptimizerConfig(steps=100, warmup_steps=10, lr=0.5)
    rates = [learning_rate(step, config) for step in range(1, 101)]
    assert rates[:10] == pytest.approx([0.05 * i for i in range(1, 11)])
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.01 * 0.5
    assert learning_rate(1, OptimizerConfig(steps=1, warmup_steps=0, lr=0.5)) == pytest.approx(0.25)


@pytest.mark.parametrize("decay", ["linear", "none"])
def test_other_decays_of_the_rate(decay):
    config = OptimizerConfig(steps=100, warmup_steps=10, lr=0.5, decay=decay)
    rates = [learning_rate(step, config) for step in range(11, 101)]
    expected = np.full(90, 0.5) if decay == "none" else 0.5 * (1 - (np.arange(90) + 0.5) / 90)
    np.testing.assert_allclose(rates, expected)


def test_a_number_on_its_way_goes_straight_from_the_first_step_to_the_last():
    ways = [on_the_way(2.0, 3.0, step, 11) for step in range(1, 12)]
    np.testing.assert_allclose(ways, np.linspace(2, 3, 11))
    assert on_the_way(2.0, 3.0, 1, 1) == on_the_way(2.0, None, 7, 11) == 2.0
