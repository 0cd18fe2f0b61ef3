import json
from dataclasses import replace

import numpy as np
import pytest

from speakertrip.backend import FalseAlarmRate, FittedOn, LinearCalibration
from speakertrip.bundle import Bundle, Calibration
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.errors import BundleError, UsageError
from speakertrip.manifests import Trials
from speakertrip.metrics import OperatingPoint, det_curve, eer_interval, equal_error_rate, threshold_at_eer

BEFORE = (
    '{"threshold": 0.5, "eer": 0.1, "eer_interval": [0.0, 0.2], "trials": 8, "targets": 4, "speakers": 4}'
)


def trials(speakers=12, per_speaker=4, seed=0):
    """All pairs among utterances, calibrated: targets lie 4 above nontargets, each speaker a little by itself."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(speakers), per_speaker)
    first, second = np.triu_indices(len(owner), k=1)
    one, other = owner[first], owner[second]
    own = rng.normal(0, 0.3, speakers)
    scores = rng.normal(size=len(first)) + np.where(one == other, 4.0, 0.0) + own[one] + own[other]
    return scores.astype(np.float32), one == other, one, other


def test_the_default_is_as_ever_and_the_table_is_of_the_same_trials():
    scores, targets, one, other = trials()
    found = Calibration.of(scores, targets, one, other, "held")
    curve = det_curve(scores, targets)
    assert (found.threshold, found.eer) == (threshold_at_eer(curve), equal_error_rate(curve))
    assert found.eer_interval == eer_interval(scores, targets, one, other)
    assert (found.trials, found.targets, found.speakers, found.held_out) == (1128, 72, 12, "held")
    table = found.false_alarms
    assert table.nontargets == 1056
    assert [point.rate for point in table.points][-3:] == [0.02, 0.015, 0.01]
    for point in table.points:
        assert np.mean(scores[~targets] >= point.threshold) == point.false_alarm
        assert np.mean(scores[targets] < point.threshold) == point.miss
    near = table.at(found.threshold)
    assert near.false_alarm == pytest.approx(found.eer, abs=0.01)


def test_the_intervals_are_those_of_weights_by_hand():
    scores, targets, one, other = trials()
    point = Calibration.of(scores, targets, one, other).false_alarms.points[-1]
    rng, rates = np.random.default_rng(0), []
    while len(rates) < 1000:
        drawn = np.bincount(rng.integers(0, 12, 12), minlength=12)
        weights = (drawn[one] * drawn[other])[~targets]
        if drawn[one][targets].any() and weights.any():
            rates.append(np.average(scores[~targets] >= point.threshold, weights=weights))
    assert point.interval == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))
    assert point.interval[0] < point.false_alarm < point.interval[1]


def test_too_few_trials_say_no_rates():
    scores, targets, one, other = trials(speakers=3, per_speaker=2)
    assert Calibration.of(scores, targets, one, other).false_alarms is None


def test_a_bundle_of_before_loads_and_says_what_to_run(make_bundle, tmp_path):
    make_bundle().save(tmp_path / "new")
    write_folder(tmp_path / "old", read_folder(tmp_path / "new", ()) | {"calibration.json": BEFORE.encode()})
    old = Bundle.load(tmp_path / "old")
    assert old.calibration.false_alarms is None
    assert old.threshold().value == 0.5
    with pytest.raises(UsageError, match="speakertrip backend"):
        old.threshold(FalseAlarmRate(0.01))


def test_the_table_is_kept_with_the_bundle_and_a_damaged_one_is_refused(make_bundle, tmp_path):
    calibration = Calibration.of(*trials())
    made = replace(make_bundle(), calibration=calibration)
    made.save(tmp_path / "bundle")
    assert Bundle.load(tmp_path / "bundle").calibration == calibration
    files = read_folder(tmp_path / "bundle", ())
    entries = json.loads(files["calibration.json"])
    entries["false_alarms"]["points"].reverse()
    write_folder(tmp_path / "broken", files | {"calibration.json": json.dumps(entries).encode()})
    with pytest.raises(BundleError, match=r"malformed: false_alarms\.points: "):
        Bundle.load(tmp_path / "broken")


def test_another_backend_has_its_own_thresholds(make_bundle):
    plain = replace(make_bundle(), calibration=Calibration.of(*trials()))
    scores, targets, one, other = trials()
    fitted = LinearCalibration(("score",), np.array([2.0]), -1.0)
    backend = replace(plain.backend, calibration=fitted, fitted_on=FittedOn.of(
        Trials.of(["a", "b"], ["b", "c"], [True, False]), "list.txt"
    ))  # fmt: skip
    other_one = plain.with_backend(backend, Calibration.of(2 * scores - 1, targets, one, other))
    asked = FalseAlarmRate(0.02)
    assert other_one.threshold(asked).value == pytest.approx(2 * plain.threshold(asked).value - 1, abs=1e-5)
    assert other_one.threshold(asked).false_alarm == plain.threshold(asked).false_alarm
    _, added = other_one.card.split("## Backend")
    assert "hold no more" in added
    assert f"| 1 % | {other_one.threshold(FalseAlarmRate(0.01)).value:.4f} | [" in added
    assert other_one.threshold(OperatingPoint(0.5)).value == 0.0
    with pytest.raises(UsageError, match="likelihood ratios"):
        plain.threshold(OperatingPoint(0.5))
