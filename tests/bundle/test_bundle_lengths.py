import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from speakertrip.bundle import Bundle, Calibration, LengthErrors, LengthTable
from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.bundle.lengths import Rate
from speakertrip.errors import BundleError
from speakertrip.metrics import det_curve, eer_interval, equal_error_rate

RATE = Rate(value=0.25, interval=(0.1, 0.4))


def row(seconds: float) -> LengthErrors:
    return LengthErrors(
        seconds=seconds, eer=RATE, miss=RATE, false_alarm=RATE, trials=8, targets=4, target_speakers=2
    )


def trials(speakers=12, seed=0):
    """All pairs among four utterances of each speaker."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(speakers), 4)
    first, second = np.triu_indices(len(owner), k=1)
    one, other = owner[first], owner[second]
    scores = rng.normal(size=len(first)) + np.where(one == other, 2.0, 0.0)
    return scores.astype(np.float32), one == other, one, other


def test_errors_and_intervals_are_those_of_loops_over_the_trials():
    scores, targets, one, other = trials()
    found = LengthErrors.of(0.5, scores, targets, one, other, threshold=1.0)
    missed = [score < 1.0 for score, target in zip(scores, targets, strict=True) if target]
    accepted = [score >= 1.0 for score, target in zip(scores, targets, strict=True) if not target]
    assert found.miss.value == pytest.approx(sum(missed) / len(missed))
    assert found.false_alarm.value == pytest.approx(sum(accepted) / len(accepted))
    assert found.eer.value == equal_error_rate(det_curve(scores, targets))
    assert found.eer.interval == pytest.approx(eer_interval(scores, targets, one, other))
    assert (found.seconds, found.trials, found.targets, found.target_speakers) == (0.5, 1128, 72, 12)
    rng, rates = np.random.default_rng(0), []
    while len(rates) < 1000:
        drawn = np.bincount(rng.integers(0, 12, 12), minlength=12)
        of_targets = drawn[one][targets]
        if of_targets.any() and (drawn[one] * drawn[other])[~targets].any():
            rates.append(np.average(scores[targets] < 1.0, weights=of_targets))
    assert found.miss.interval == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))


def test_of_few_speakers_nothing_is_said():
    assert LengthErrors.of(0.5, *trials(speakers=9), threshold=1.0) is None
    assert LengthErrors.of(0.5, *trials(speakers=10), threshold=1.0) is not None


@given(
    lengths=st.lists(st.floats(0.4, 60), min_size=1, max_size=6, unique=True), seconds=st.floats(0.01, 100)
)
def test_the_nearest_length_is_that_of_the_least_ratio(lengths, seconds):
    table = LengthTable(rows=tuple(row(length) for length in sorted(lengths)))
    found = table.near(seconds)
    if seconds >= max(lengths):
        assert found is None
    else:
        ratios = [max(length / seconds, seconds / length) for length in lengths]
        assert max(found.seconds / seconds, seconds / found.seconds) == pytest.approx(min(ratios))


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Rate(value=0.3089, interval=(0.2419, 0.3811)), "31 % [24, 38]"),
        (Rate(value=0.0, interval=(0.0, 0.00123)), "0 % [0, 0.12]"),
        (Rate(value=1.0, interval=(0.999, 1.0)), "100 % [100, 100]"),
    ],
)
def test_a_rate_in_words(rate, text):
    assert str(rate) == text


@pytest.mark.parametrize("lengths", [(), (1.0, 1.0), (2.0, 1.0), (0.0,), (-1.0, 1.0)])
def test_lengths_rise(lengths):
    with pytest.raises(ValidationError):
        LengthTable(rows=tuple(row(length) for length in lengths))


def test_the_table_is_kept_and_shown_and_a_bundle_of_before_has_none(make_bundle, tmp_path):
    plain = Calibration.of(*trials())
    calibration = plain.with_lengths([row(0.5), None, row(2.0)])
    assert [each.seconds for each in calibration.lengths.rows] == [0.5, 2.0]
    assert plain.with_lengths([None]) == plain
    assert calibration.card().startswith(plain.card())
    assert (
        "| 0.5 s | 25 % [10, 40] | 25 % [10, 40] | 25 % [10, 40] | 8 (4) | 2 |\n| 2 s |" in calibration.card()
    )
    made = make_bundle()
    fitted = made.with_backend(made.backend, calibration)
    assert "| 2 s | 25 % [10, 40]" in fitted.card
    fitted.save(tmp_path / "new")
    assert Bundle.load(tmp_path / "new").calibration == calibration

    files = read_folder(tmp_path / "new", ())
    entries = json.loads(files["calibration.json"])
    of_before = {name: value for name, value in entries.items() if name != "lengths"}
    write_folder(tmp_path / "old", files | {"calibration.json": json.dumps(of_before).encode()})
    assert Bundle.load(tmp_path / "old").calibration == plain
    entries["lengths"]["rows"].reverse()
    write_folder(tmp_path / "broken", files | {"calibration.json": json.dumps(entries).encode()})
    with pytest.raises(BundleError, match=r"malformed: lengths\.rows: .*lengths must rise"):
        Bundle.load(tmp_path / "broken")


def test_without_a_table_the_card_is_as_before(make_bundle):
    bundle = replace(make_bundle(), calibration=Calibration.of(*trials()))
    assert "speech on each side" not in bundle.calibration.card()
    assert make_bundle().calibration.card() == ""
