import json
import os
import signal

import numpy as np
import pytest

from speakertrip.config import TrainConfig
from speakertrip.metrics import det_curve, equal_error_rate
from speakertrip.training import train
from speakertrip.training.patience import Patience

SPEAKERS, TRIALS = 30, 600


@pytest.fixture(scope="module")
def trials():
    """Trials of 40 speakers, a third of them target trials."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, SPEAKERS, TRIALS)
    second = np.where(rng.random(TRIALS) < 0.3, first, rng.integers(0, SPEAKERS, TRIALS))
    return first == second, first, second


def scores(targets, distance, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=len(targets)) + distance * targets).astype(np.float32)


def test_gains_add_up_until_they_are_one(trials):
    patience = Patience(10, *trials)
    rates, counts = [], []
    for step in range(6):  # the same noise each time: only the distance grows, slowly
        found = scores(trials[0], 1 + 0.03 * step)
        patience.add(found)
        rates.append(equal_error_rate(det_curve(found, trials[0])))
        counts.append(int(patience.without_gain))
    assert rates == sorted(rates, reverse=True)
    assert counts[0] == 0
    assert counts[1] == 1  # three hundredths of a deviation are no gain
    assert 0 in counts[2:]  # but several are
    assert not patience.spent


def test_chance_is_no_gain_and_the_count_ends_the_run(trials):
    patience = Patience(3, *trials)
    spent = []
    for seed in range(4):
        patience.add(scores(trials[0], 2, seed))
        spent.append(patience.spent)
    assert spent == [False, False, False, True]


def test_a_real_gain_begins_the_count_anew_and_a_loss_never_does(trials):
    patience = Patience(3, *trials)
    counts = []
    for distance in (1, 1, 0.5, 3, 2):
        patience.add(scores(trials[0], distance))
        counts.append(int(patience.without_gain))
    assert counts == [0, 1, 2, 0, 1]
    np.testing.assert_array_equal(patience.scores, scores(trials[0], 3))


def test_the_count_survives_in_the_state(trials):
    patience, other = Patience(3, *trials), Patience(3, *trials)
    for distance in (2, 2, 1):
        patience.add(scores(trials[0], distance))
    other.load_state_dict(patience.state_dict())
    for each in (patience, other):
        each.add(scores(trials[0], 2))
        assert each.spent


@pytest.fixture(scope="module")
def waiting(config):
    """Validates every second step of 40, and gives up after two without a gain: a few steps teach nothing."""
    changes = {
        "optimizer": {"steps": 40, "warmup_steps": 2, "lr": 1e-7},
        "validation": {"speakers": 3, "every": 2, "nontargets": 50, "patience": 2},
    }
    return TrainConfig.model_validate(config.model_dump() | changes)


def rows(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_ends_when_its_patience_is_spent_resumed_or_not(waiting, corpus, tmp_path):
    assert train(waiting, corpus, tmp_path / "whole") is True
    whole = rows(tmp_path / "whole")
    counts = [row["without_gain"] for row in whole if "validation_eer" in row]
    assert counts[-2:] == [1, 2]
    assert len(whole) == 2 * len(counts) < 40
    assert train(waiting, corpus, tmp_path / "whole", resume=True) is True
    assert rows(tmp_path / "whole") == whole

    def interrupt(record):
        if record.step == len(whole) - 2:
            os.kill(os.getpid(), signal.SIGINT)

    assert train(waiting, corpus, tmp_path / "cut", on_record=interrupt) is False
    assert train(waiting, corpus, tmp_path / "cut", resume=True) is True
    assert [row["step"] for row in rows(tmp_path / "cut")] == [row["step"] for row in whole]
    first, second = (tmp_path / run / "checkpoint.safetensors" for run in ("whole", "cut"))
    assert first.read_bytes() == second.read_bytes()
