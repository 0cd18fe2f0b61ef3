from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import (
    LDA,
    PLDA,
    Backend,
    FittedOn,
    IsotonicCalibration,
    LinearCalibration,
    pack,
    pair_scores,
    unit_rows,
    unpack,
)
from speakertrip.manifests import Trials
from speakertrip.metrics import cllr, det_curve, equal_error_rate, min_cllr

DIM = 8


def corpus(speakers=30, each=6, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=DIM) + 1.5 * rng.normal(size=(speakers, DIM))
    names = np.repeat(np.arange(speakers), each)
    noise = rng.normal(size=(len(names), DIM)) * np.linspace(0.3, 2, DIM)
    return (centres[names] + noise).astype(np.float32), names


@pytest.fixture(scope="module")
def fitted():
    """Every step, fitted to one set of speakers."""
    embeddings, names = corpus()
    units = unit_rows(embeddings)
    centre = units.mean(axis=0)
    lda = LDA.fit(units - centre, names, 6)
    half = Backend(centre=centre, lda=lda)
    plda = PLDA.fit(half.prepare(embeddings), names)
    rows = half.prepare(embeddings)
    cohort = np.stack([rows[names == name].mean(axis=0) for name in range(30)])
    return {"centre": centre, "lda": lda, "plda": plda, "cohort": cohort}


def all_pairs(backend, seed=1):
    embeddings, names = corpus(seed=seed)
    first, second = np.triu_indices(len(names), k=1)
    sides = backend.sides(embeddings, seconds=np.random.default_rng(0).uniform(1, 9, len(names)))
    return sides, first, second, names[first] == names[second]


def test_without_a_step_it_is_the_cosine():
    embeddings, _ = corpus()
    sides = Backend().sides(embeddings)
    first, second = np.triu_indices(len(embeddings), k=1)
    expected = pair_scores(embeddings, embeddings, first, second)
    assert Backend().score(sides, sides, first, second) == pytest.approx(expected, abs=1e-6)


def test_steps_agree_with_a_loop(fitted):
    backend = Backend(**fitted, norm="as", top=10)
    embeddings, _ = corpus(seed=1)
    groups = [[0, 1, 2], [7], [9, 10]]
    enrollments, tests = backend.sides(embeddings, groups), backend.sides(embeddings[20:24])

    def prepared(rows):
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True) - fitted["centre"]
        units = (units - fitted["lda"].mean) @ fitted["lda"].projection
        return units / np.linalg.norm(units, axis=1, keepdims=True)

    def ratio(mean, count, test):
        plda = fitted["plda"]
        return float((plda.enrollments(mean[None], np.array([count])) @ plda.tests(test[None]).T)[0, 0])

    cohort = fitted["cohort"]
    first, second = (grid.ravel() for grid in np.indices((3, 4)))
    found = backend.score(enrollments, tests, first, second)
    for trial, (row, column) in enumerate(zip(first, second, strict=True)):
        mean, count = prepared(embeddings[groups[row]]).mean(axis=0), len(groups[row])
        test = prepared(embeddings[20 + column][None])[0]
        on_left = np.sort([ratio(mean, count, other) for other in cohort])[-10:]
        on_right = np.sort([ratio(other, 1, test) for other in cohort])[-10:]
        score = ratio(mean, count, test)
        expected = ((score - on_left.mean()) / on_left.std() + (score - on_right.mean()) / on_right.std()) / 2
        assert found[trial] == pytest.approx(expected, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("steps", [("centre", "lda"), ("centre", "lda", "plda")])
def test_steps_help_where_the_noise_is_known(fitted, steps):
    rates = {}
    for name, backend in (("cosine", Backend()), ("steps", Backend(**{key: fitted[key] for key in steps}))):
        sides, first, second, targets = all_pairs(backend)
        rates[name] = equal_error_rate(det_curve(backend.score(sides, sides, first, second), targets))
    assert rates["steps"] < rates["cosine"]


def test_a_calibration_with_quality_gives_likelihood_ratios(fitted):
    steps = {key: fitted[key] for key in ("centre", "lda", "cohort")}
    raw = Backend(**steps, norm="as", top=10)
    sides, first, second, targets = all_pairs(raw)
    columns = raw.columns(sides, sides, first, second)
    names = tuple(columns)
    assert names == (
        "score", "log_seconds_min", "log_seconds_max", "log_magnitude_min", "log_magnitude_max", "cohort_min",
        "cohort_max",
    )  # fmt: skip
    calibration = LinearCalibration.fit(np.column_stack(list(columns.values())), targets, names)
    backend = Backend(**steps, norm="as", top=10, calibration=calibration)
    other, first, second, targets = all_pairs(backend, seed=2)
    llrs = backend.score(other, other, first, second)
    assert cllr(llrs, targets) < min_cllr(det_curve(llrs, targets)) + 0.06
    without_seconds = backend.sides(corpus(seed=2)[0])
    with pytest.raises(ValueError, match="the calibration needs log_seconds_min"):
        backend.score(without_seconds, without_seconds, first, second)


@given(
    st.sets(st.sampled_from(["centre", "lda", "plda", "cohort"])),
    st.sampled_from(["linear", "isotonic", None]),
)
def test_what_is_packed_is_unpacked(fitted, steps, kind):
    steps = {key: fitted[key] for key in steps if key not in ("plda", "cohort") or "lda" in steps}
    calibration = {
        "linear": LinearCalibration(("score", "log_seconds_min"), np.array([2.0, 0.5]), -1.0),
        "isotonic": IsotonicCalibration(np.array([0.1, 0.5]), np.array([-1.0, 1.0])),
        None: None,
    }[kind]
    norm = "as" if "cohort" in steps else None
    seen = FittedOn.of(Trials.of(["a", "b"], ["b", "c"], [True, False]), "list")
    backend = Backend(**steps, norm=norm, top=10, calibration=calibration, fitted_on=seen)
    options, arrays = pack(backend)
    again = unpack(type(options).model_validate_json(options.model_dump_json()), arrays, DIM)
    sides, first, second, _ = all_pairs(backend)
    expected = backend.score(sides, sides, first, second)
    assert (again.score(sides, sides, first, second) == expected).all()
    assert again.fitted_on == seen


def test_arrays_that_do_not_fit_are_refused(fitted):
    options, arrays = pack(
        Backend(**fitted, norm="as", calibration=LinearCalibration(("score",), np.ones(1), 0.0))
    )
    for name, change, message in (
        ("lda.projection", lambda array: array[:-1], "lda.projection has the shape"),
        ("plda.between", lambda array: array[0], "plda.between is missing or has another number"),
        ("cohort", lambda array: array * np.nan, "cohort holds values that are not finite"),
        ("calibration.weights", lambda array: np.ones(2), "calibration.weights has the shape"),
    ):
        with pytest.raises(ValueError, match=message):
            unpack(options, {**arrays, name: change(arrays[name])}, DIM)
    with pytest.raises(ValueError, match="cohort is missing from the arrays"):
        unpack(options, {name: array for name, array in arrays.items() if name != "cohort"}, DIM)


@pytest.mark.parametrize(
    "calibration",
    [
        None,
        LinearCalibration(("score",), np.array([4.0]), -1.0),
        LinearCalibration(("score", "log_seconds_min"), np.array([4.0, 0.3]), -1.0),
        IsotonicCalibration(np.array([-0.5, 0.0, 0.4]), np.array([-2.0, 0.0, 3.0])),
    ],
)
def test_a_calibration_of_calibrated_scores(calibration):
    rng = np.random.default_rng(0)
    backend, by = Backend(calibration=calibration), LinearCalibration(("score",), np.array([0.5]), 0.7)
    seconds = rng.uniform(1, 9, 12)
    sides = backend.sides(rng.standard_normal((12, 6)).astype(np.float32), None, seconds)
    first, second = np.divmod(np.arange(144), 12)
    expected = by(backend.score(sides, sides, first, second))
    found = backend.recalibrated(by).score(sides, sides, first, second)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_offsets_are_taken_from_the_scores_of_an_enrollment():
    rng = np.random.default_rng(0)
    backend = Backend(calibration=LinearCalibration(("score",), np.array([4.0]), -1.0))
    sides = backend.sides(rng.standard_normal((3, 6)).astype(np.float32))
    lifted = replace(sides, offsets=np.array([0.0, 1.0, -2.0]))
    first, second = np.divmod(np.arange(9), 3)
    before = backend.score(sides, sides, first, second)
    np.testing.assert_allclose(
        backend.score(lifted, sides, first, second), before - np.repeat([0, 1, -2], 3), atol=1e-6
    )
    np.testing.assert_array_equal(backend.score(sides, lifted, first, second), before)
