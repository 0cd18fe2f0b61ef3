import math

import numpy as np
import pytest

from speakertrip.backend.quality import SideQuality, quality_columns


def test_columns_agree_with_a_loop_over_trials_and_do_not_depend_on_the_order_of_a_pair():
    rng = np.random.default_rng(0)
    sides = [
        SideQuality(rng.uniform(1, 9, 4), rng.uniform(1, 9, 4), rng.normal(size=4))
        for _ in ("enrollment", "test")
    ]
    first, second = rng.integers(0, 4, 20), rng.integers(0, 4, 20)
    columns = quality_columns(*sides, first, second)
    assert list(columns) == [
        "log_seconds_min", "log_seconds_max", "log_magnitude_min", "log_magnitude_max", "cohort_min", "cohort_max",
    ]  # fmt: skip
    for trial, (a, b) in enumerate(zip(first, second, strict=True)):
        logs = sorted([math.log(sides[0].seconds[a]), math.log(sides[1].seconds[b])])
        assert [columns["log_seconds_min"][trial], columns["log_seconds_max"][trial]] == pytest.approx(logs)
        means = sorted([sides[0].cohort[a], sides[1].cohort[b]])
        assert [columns["cohort_min"][trial], columns["cohort_max"][trial]] == pytest.approx(means)
    swapped = quality_columns(*sides[::-1], second, first)
    assert all((swapped[name] == column).all() for name, column in columns.items())


def test_what_one_side_lacks_is_left_out():
    only = np.zeros(1, np.int64)
    one = SideQuality(seconds=np.ones(1), magnitude=np.ones(1))
    assert list(quality_columns(one, SideQuality(magnitude=np.ones(1)), only, only)) == [
        "log_magnitude_min", "log_magnitude_max",
    ]  # fmt: skip
    assert quality_columns(SideQuality(), SideQuality(), only, only) == {}


def test_no_seconds_are_refused():
    only = np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="seconds of a quality measure must be positive"):
        quality_columns(SideQuality(seconds=np.zeros(1)), SideQuality(seconds=np.ones(1)), only, only)
