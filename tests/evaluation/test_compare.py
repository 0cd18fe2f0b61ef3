import numpy as np
import pytest

from speakertrip.errors import DataError
from speakertrip.evaluation import compare, plot_both, report
from speakertrip.manifests import Trials


@pytest.fixture
def trials():
    first, second = np.triu_indices(60, k=1)
    names = [f"{speaker}/{number}" for speaker in range(15) for number in range(4)]
    return Trials.of([names[i] for i in first], [names[i] for i in second], first // 4 == second // 4)


def test_a_better_system_is_told_apart_in_every_rate(trials):
    rng = np.random.default_rng(0)
    good = rng.normal(size=len(trials)) + np.where(trials.targets, 4, -2)
    bad = good + 3 * rng.normal(size=len(trials))
    found = compare(trials, good, bad)
    one, other = report(trials, good), report(trials, bad)
    assert found.differences["eer"].difference == pytest.approx(one.eer - other.eer)
    assert found.differences["cllr"].difference == pytest.approx(one.cllr - other.cllr)
    assert found.differences["min_cllr"].difference == pytest.approx(one.min_cllr - other.min_cllr)
    for p in (0.01, 0.05):
        assert found.differences[f"min_dcf({p})"].difference == pytest.approx(
            one.min_dcf[p] - other.min_dcf[p]
        )
        assert found.differences[f"act_dcf({p})"].difference == pytest.approx(
            one.act_dcf[p] - other.act_dcf[p]
        )
    assert found.differences["eer"].real
    assert found.to_json()["rates"]["eer"]["p_value"] < 0.05
    low, high = found.to_json()["rates"]["cllr"]["interval"]
    assert low <= found.differences["cllr"].difference <= high < 0


def test_scores_must_fit_the_list(trials):
    with pytest.raises(DataError, match="1770 trials but \\(3,\\) scores"):
        compare(trials, np.zeros(len(trials)), np.zeros(3))
    broken = np.zeros(len(trials))
    broken[4] = np.nan
    huge = np.full(len(trials), 1e31)
    with pytest.raises(
        DataError, match="the score 1e\\+31 is not finite or beyond 1e\\+30 \\(1,770 such trials\\)"
    ):
        compare(trials, huge, np.zeros(len(trials)))
    with pytest.raises(DataError, match="The trial 0/0 and 1/1: the score nan is not finite"):
        compare(trials, broken, np.zeros(len(trials)))


def test_both_curves_are_drawn(trials, tmp_path):
    scores = np.arange(len(trials)) % 7
    plot_both(tmp_path / "det.png", trials, {"a": scores, "b": -scores})
    assert (tmp_path / "det.png").read_bytes()[:4] == b"\x89PNG"
