import numpy as np
import pytest

from speakertrip.audio.augment import Chain


class Add:
    """Adds a number, after drawing some."""

    def __init__(self, number, draws=0):
        self.number, self.draws = number, draws

    def transform(self, waveform, rng, note=print):
        rng.random(self.draws)
        note(str(self.number))
        return waveform * 10 + np.float32(self.number)


def run(chain, draw=0):
    said = []
    return float(chain.transform(np.zeros(1, np.float32), np.random.default_rng(draw), said.append)[0]), said


def test_effects_come_in_order():
    assert run(Chain([(1.0, Add(1)), (1.0, Add(2)), (0.0, Add(9)), (1.0, Add(3))])) == (123, ["1", "2", "3"])


def test_nothing_is_a_chain_too():
    assert run(Chain([])) == (0, [])


def test_each_has_its_probability():
    chain = Chain([(0.2, Add(1)), (0.7, Add(2))])
    done = [run(chain, draw)[1] for draw in range(2_000)]
    assert np.mean(["1" in said for said in done]) == pytest.approx(0.2, abs=0.03)
    assert np.mean(["2" in said for said in done]) == pytest.approx(0.7, abs=0.03)
    assert np.mean([len(said) == 2 for said in done]) == pytest.approx(0.14, abs=0.03)


def test_what_one_draws_does_not_decide_whether_the_next_happens():
    for draw in range(50):
        few = run(Chain([(0.5, Add(1, 1)), (0.5, Add(2))]), draw)
        many = run(Chain([(0.5, Add(1, 1_000)), (0.5, Add(2))]), draw)
        assert few == many
