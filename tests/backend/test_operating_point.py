import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from speakertrip.backend import (
    FalseAlarmPoint,
    FalseAlarmRate,
    FalseAlarmTable,
    GivenThreshold,
    percent,
    resolve,
)
from speakertrip.errors import UsageError
from speakertrip.metrics import OperatingPoint


def point(rate, threshold, miss=0.1, false_alarm=None, interval=(0.0, 1.0)):
    return FalseAlarmPoint(
        rate=rate, threshold=threshold, false_alarm=false_alarm or rate, interval=interval, miss=miss
    )


TABLE = FalseAlarmTable(
    nontargets=1000,
    points=(
        point(0.5, -2.0, 0.0, interval=(0.4, 0.6)),
        point(0.1, 0.0, 0.02, interval=(0.05, 0.2)),
        point(0.05, 1.0, 0.1, 0.04),
        point(0.01, 4.0, 0.3, interval=(0.0, 0.03)),
    ),
)


@given(st.floats(0.01, 1, exclude_max=True))
def test_a_rate_is_never_exceeded_and_the_next_point_would_exceed_it(rate):
    found = TABLE.stricter(rate)
    assert found.rate <= rate
    laxer = [each for each in TABLE.points if each.threshold < found.threshold]
    assert all(each.rate > rate for each in laxer)
    resolved = resolve(FalseAlarmRate(rate), 9.0, TABLE, calibrated=False)
    assert (resolved.value, resolved.false_alarm) == (found.threshold, found.false_alarm)
    assert (resolved.false_alarm_interval, resolved.miss) == (found.interval, found.miss)


@given(st.floats(-2, 4), st.floats(-2, 4))
def test_what_is_expected_between_points_lies_between_them(one, other):
    low, high = (TABLE.at(threshold) for threshold in sorted((one, other)))
    assert low.false_alarm + 1e-12 >= high.false_alarm
    assert low.miss <= high.miss + 1e-12
    for threshold, found in ((min(one, other), low), (max(one, other), high)):
        laxer = max((p for p in TABLE.points if p.threshold <= threshold), key=lambda p: p.threshold)
        stricter = min((p for p in TABLE.points if p.threshold >= threshold), key=lambda p: p.threshold)
        assert stricter.false_alarm - 1e-12 <= found.false_alarm <= laxer.false_alarm + 1e-12
        assert found.false_alarm_interval[0] <= found.false_alarm_interval[1]


def test_the_logarithm_of_the_rate_is_interpolated():
    found = TABLE.at(-1.0)
    assert found.false_alarm == pytest.approx(math.sqrt(0.5 * 0.1))
    assert (found.miss, found.false_alarm_interval) == (
        pytest.approx(0.01),
        (pytest.approx(0.225), pytest.approx(0.4)),
    )


@pytest.mark.parametrize("threshold", [-2.1, 4.001, math.inf])
def test_beyond_the_table_nothing_is_known(threshold):
    found = TABLE.at(threshold)
    assert (found.value, found.false_alarm, found.false_alarm_interval, found.miss) == (
        threshold, None, None, None,
    )  # fmt: skip


def test_rates_that_share_a_threshold():
    table = FalseAlarmTable(nontargets=100, points=(point(0.5, 0.0, false_alarm=0.2), point(0.2, 0.0)))
    assert table.at(0.0).false_alarm == 0.2
    assert table.stricter(0.3).rate == 0.2


def test_without_a_choice_the_threshold_is_the_default():
    assert resolve(None, 0.5, None, calibrated=False).value == 0.5
    assert resolve(None, 0.5, None, calibrated=False).false_alarm is None
    found = resolve(None, 0.5, TABLE, calibrated=False)
    assert found.value == 0.5
    assert 0.04 < found.false_alarm < 0.1


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_prior_and_costs_give_the_bayes_threshold(p, c_miss, c_fa):
    found = resolve(OperatingPoint(p, c_miss, c_fa), 0.5, None, calibrated=True)
    assert found.value == pytest.approx(math.log((1 - p) / p * c_fa / c_miss), abs=1e-9)
    # There it is as dear to accept as to reject, if the ratio is what it says.
    odds = math.exp(found.value) * p / (1 - p)
    assert odds * c_miss == pytest.approx(c_fa)


@pytest.mark.parametrize(
    ("choice", "table", "message"),
    [
        (
            FalseAlarmRate(0.009),
            TABLE,
            r"^The 1,000 nontarget trials .* of 0\.9 %; ask for 1 % or more, or fit",
        ),
        (FalseAlarmRate(0.1), None, r"^This bundle knows no threshold .*; `speakertrip backend` makes"),
        (OperatingPoint(0.1), TABLE, r"^A prior and costs .* are none; `speakertrip backend` makes"),
    ],
)
def test_what_a_bundle_cannot_say(choice, table, message):
    with pytest.raises(UsageError, match=message):
        resolve(choice, 0.0, table, calibrated=False)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 7, math.nan])
def test_a_rate_that_is_none(rate):
    with pytest.raises(ValueError, match="lies in"):
        FalseAlarmRate(rate)


@pytest.mark.parametrize(
    "points",
    [
        (),
        (point(0.1, 0.0), point(0.1, 1.0)),
        (point(0.1, 0.0), point(0.2, 1.0)),
        (point(0.2, 1.0), point(0.1, 0.0)),
        (point(0.2, 1.0, false_alarm=0.3),),
    ],
)
def test_a_table_out_of_order_is_refused(points):
    with pytest.raises(ValidationError):
        FalseAlarmTable(nontargets=100, points=points)


@pytest.mark.parametrize(
    "entries",
    [
        {"rate": 0.0}, {"rate": 1.0}, {"threshold": math.inf}, {"interval": (0.2, 0.1)}, {"interval": (-0.1, 0.1)},
        {"miss": 1.1}, {"false_alarm": 0.0}, {"unknown": 1},
    ],
)  # fmt: skip
def test_a_point_out_of_range_is_refused(entries):
    whole = {"rate": 0.1, "threshold": 0.0, "false_alarm": 0.1, "interval": (0.0, 0.2), "miss": 0.5}
    FalseAlarmPoint(**whole)
    with pytest.raises(ValidationError):
        FalseAlarmPoint(**{**whole, **entries})


@given(st.floats(1e-7, 0.999))
def test_a_rate_in_percent_reads_back(rate):
    words = percent(rate)
    assert words.endswith(" %")
    assert "e" not in words
    assert float(words[:-2]) / 100 == pytest.approx(rate)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_given_threshold_is_a_finite_number(value):
    with pytest.raises(ValueError, match="a threshold is a finite number"):
        GivenThreshold(value)


def test_a_given_threshold_is_taken_as_it_is():
    assert resolve(GivenThreshold(1.5), 0.0, None, calibrated=False).value == 1.5
    assert (
        resolve(GivenThreshold(TABLE.points[0].threshold), None, TABLE, calibrated=False).false_alarm
        is not None
    )
    with pytest.raises(ValueError, match="neither"):
        resolve(None, None, None, calibrated=True)
