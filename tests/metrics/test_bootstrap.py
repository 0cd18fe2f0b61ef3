import numpy as np
import pytest

from speakertrip.metrics import det_curve, eer_interval, equal_error_rate


def speaker_trials(speakers, per_speaker, spread, seed):
    """All pairs among utterances; each pair of speakers has its own offset, so that trials are not independent."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(speakers), per_speaker)
    first, second = np.triu_indices(len(owner), k=1)
    one, other = owner[first], owner[second]
    own = rng.normal(0, spread, speakers)
    scores = rng.normal(size=len(first)) + np.where(one == other, 2.5, 0) + own[one] + own[other]
    return scores, one == other, one, other


def test_agrees_with_repeating_trials_by_hand():
    scores, targets, one, other = speaker_trials(6, 4, 0.5, seed=1)
    rng = np.random.default_rng(3)
    rates = []
    while len(rates) < 200:
        drawn = np.bincount(rng.integers(0, 6, 6), minlength=6)
        weights = np.where(one == other, drawn[one], drawn[one] * drawn[other])
        if weights[targets].sum() and weights[~targets].sum():
            rates.append(equal_error_rate(det_curve(scores, targets, weights)))
    expected = np.quantile(rates, [0.025, 0.975])
    assert eer_interval(scores, targets, one, other, seed=3, replicates=200) == pytest.approx(tuple(expected))


def test_ties_are_pooled():
    scores, targets, one, other = speaker_trials(6, 4, 0.5, seed=1)
    coarse = eer_interval(scores.round(0), targets, one, other, seed=0, replicates=200)
    order = np.random.default_rng(0).permutation(len(scores))
    shuffled = eer_interval(
        scores.round(0)[order], targets[order], one[order], other[order], seed=0, replicates=200
    )
    assert coarse == pytest.approx(shuffled)


def test_holds_the_eer_and_widens_with_fewer_speakers():
    widths = []
    for speakers, per_speaker in ((8, 10), (40, 2)):
        scores, targets, one, other = speaker_trials(speakers, per_speaker, 0.5, seed=2)
        low, high = eer_interval(scores, targets, one, other)
        assert low <= equal_error_rate(det_curve(scores, targets)) <= high
        widths.append(high - low)
    assert eer_interval(scores, targets, one, other) == (low, high)  # seeded


def test_covers_the_true_rate_about_as_often_as_it_says():
    # The rate of an endless draw of speakers, from one large sample, against intervals from small ones.
    scores, targets, *_ = speaker_trials(400, 3, 0.5, seed=0)
    truth = equal_error_rate(det_curve(scores, targets))
    held = 0
    for seed in range(60):
        low, high = eer_interval(*speaker_trials(30, 4, 0.5, seed=100 + seed), replicates=200)
        held += low <= truth <= high
    assert held >= 50  # of 60; 57 are expected at 95 %


def test_one_sided_lists_are_refused():
    with pytest.raises(ValueError, match="at least one target"):
        eer_interval([0.1, 0.2], [True, True], np.array([0, 1]), np.array([0, 1]))
