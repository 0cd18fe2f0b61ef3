import numpy as np
import pytest

from speakertrip.metrics import (
    bootstrap,
    cllr,
    det_curve,
    eer_interval,
    equal_error_rate,
    interval,
    min_cllr,
    min_dcf,
    paired_differences,
)


def paired_eer(*arguments, **options):
    eer = {"eer": lambda resample: equal_error_rate(resample.curve)}
    return paired_differences(*arguments, eer, **options)["eer"]


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


def drawn_by_hand(targets, one, other, seed, replicates):
    rng = np.random.default_rng(seed)
    speakers = max(one.max(), other.max()) + 1
    found = []
    while len(found) < replicates:
        drawn = np.bincount(rng.integers(0, speakers, speakers), minlength=speakers)
        weights = np.where(one == other, drawn[one], drawn[one] * drawn[other])
        if weights[targets].sum() and weights[~targets].sum():
            found.append(weights)
    return found


@pytest.mark.parametrize("digits", [6, 0])
@pytest.mark.parametrize("swap", [False, True])
def test_every_statistic_agrees_with_weights_by_hand(digits, swap):
    scores, targets, one, other = speaker_trials(6, 4, 0.5, seed=1)
    scores = scores.round(digits)
    if swap:  # more targets than nontargets
        kept = targets | (np.arange(len(scores)) % 7 == 0)
        scores, targets, one, other = scores[kept], targets[kept], one[kept], other[kept]
        assert targets.sum() > (~targets).sum()
    statistics = {
        "eer": lambda r: equal_error_rate(r.curve),
        "min_dcf": lambda r: min_dcf(r.curve, 0.05),
        "min_cllr": lambda r: min_cllr(r.curve),
        "weight of targets below 1": lambda r: r.target_weights @ (r.scores.targets < 1),
        "weight of nontargets below 1": lambda r: r.nontarget_weights @ (r.scores.nontargets < 1),
        "cllr": lambda r: r.cllr,
        "miss at 2": lambda r: r.rates(2.0)[0],
        "false alarm at 2": lambda r: r.rates(2.0)[1],
    }
    values = bootstrap(scores, targets, one, other, statistics, seed=3, replicates=50)
    for place, weights in enumerate(drawn_by_hand(targets, one, other, 3, 50)):
        curve = det_curve(scores, targets, weights)
        assert values["eer"][place] == pytest.approx(equal_error_rate(curve))
        assert values["min_dcf"][place] == pytest.approx(min_dcf(curve, 0.05))
        assert values["min_cllr"][place] == pytest.approx(min_cllr(curve), abs=1e-9)
        assert values["cllr"][place] == pytest.approx(cllr(scores, targets, weights))
        for name, kind in (("targets", targets), ("nontargets", ~targets)):
            assert values[f"weight of {name} below 1"][place] == weights[kind & (scores < 1)].sum()
        miss, accepted = np.average(scores[targets] < 2, weights=weights[targets]), scores[~targets] >= 2
        assert values["miss at 2"][place] == pytest.approx(miss)
        assert values["false alarm at 2"][place] == pytest.approx(
            np.average(accepted, weights=weights[~targets])
        )


def test_a_paired_difference_agrees_with_weights_by_hand():
    scores, targets, one, other = speaker_trials(8, 4, 0.5, seed=1)
    rng = np.random.default_rng(5)
    noisy = scores + rng.normal(size=len(scores))
    found = paired_eer(scores, noisy, targets, one, other, seed=3, replicates=100)
    drawn = [
        equal_error_rate(det_curve(scores, targets, w)) - equal_error_rate(det_curve(noisy, targets, w))
        for w in drawn_by_hand(targets, one, other, 3, 100)
    ]
    whole = equal_error_rate(det_curve(scores, targets)) - equal_error_rate(det_curve(noisy, targets))
    assert found.difference == pytest.approx(whole)
    assert found.interval == pytest.approx(interval(np.array(drawn)))
    tail = min(sum(d <= 1e-12 for d in drawn), sum(d >= -1e-12 for d in drawn))
    assert found.p_value == pytest.approx(2 * (tail + 1) / 101)
    assert found.real == (not found.interval[0] <= 0 <= found.interval[1])
    assert found.real
    assert found.difference < 0


def test_the_same_scores_do_not_differ():
    scores, targets, one, other = speaker_trials(8, 4, 0.5, seed=1)
    same = paired_eer(scores, scores * 2 + 1, targets, one, other, replicates=100)
    assert (same.difference, same.interval, same.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert not same.real


def test_equal_systems_are_called_different_about_as_seldom_as_it_says():
    false_claims = 0
    for seed in range(60):
        scores, targets, one, other = speaker_trials(25, 4, 0.5, seed=seed)
        rng = np.random.default_rng(seed)
        systems = [scores + rng.normal(size=len(scores)) for _ in range(2)]
        false_claims += paired_eer(*systems, targets, one, other, replicates=200).p_value < 0.05
    assert false_claims <= 8  # of 60; 3 are expected


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
