import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.metrics import OperatingPoint, cllr, det_curve, equal_error_rate, min_dcf, stream_rates
from speakertrip.metrics.score_bins import BINS, BLOCK, ScoreFile, scores_of

POINTS = [OperatingPoint(0.01), OperatingPoint(0.05), OperatingPoint(0.5, c_miss=10)]
float32s = st.floats(-(2.0**100), 2.0**100, width=32)
few = st.sampled_from([-2.5, -1.0, -1e-40, -0.0, 0.0, 1e-40, 0.25, 1.0, 1.0000001, 3.0])


def streamed(folder, targets, nontargets):
    np.save(folder / "targets.npy", np.array(targets, np.float32))
    np.save(folder / "nontargets.npy", np.array(nontargets, np.float32))
    return stream_rates(folder / "targets.npy", folder / "nontargets.npy", POINTS)


def check(rates, targets, nontargets):
    scores = np.concatenate([targets, nontargets]).astype(np.float32)
    truth = np.arange(len(scores)) < len(targets)
    curve = det_curve(scores, truth)
    assert equal_error_rate(rates.curve) == pytest.approx(equal_error_rate(curve), abs=1e-12)
    for point in POINTS:
        costs = point.p_target, point.c_miss, point.c_fa
        assert min_dcf(rates.curve, *costs) == pytest.approx(min_dcf(curve, *costs), abs=1e-12)
    assert rates.cllr == pytest.approx(cllr(scores, truth), rel=1e-6)
    assert (rates.targets, rates.nontargets) == (len(targets), len(nontargets))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(float32s | few, min_size=1), st.lists(float32s | few, min_size=1))
def test_agrees_with_the_curve_in_memory(tmp_path, targets, nontargets):
    check(streamed(tmp_path, targets, nontargets), targets, nontargets)


@pytest.mark.parametrize("scale", [1, 1e-3, 0])
def test_agrees_over_more_than_a_block(tmp_path, scale):
    rng = np.random.default_rng(0)
    nontargets = 1 + scale * rng.normal(size=BLOCK + 10)  # at 1e-3 within few bins, at 0 one value
    targets = 1 + scale * rng.normal(2, 1, size=3_000)
    check(streamed(tmp_path, targets, nontargets), targets, nontargets)


def test_looks_into_more_bins_than_fit_in_one_pass(tmp_path, monkeypatch):
    monkeypatch.setattr("speakertrip.metrics.streamed.AT_ONCE", 3)
    rng = np.random.default_rng(0)
    nontargets, targets = rng.normal(size=2_000), rng.normal(1, 1, size=2_000)
    check(streamed(tmp_path, targets, nontargets), targets, nontargets)


def test_bits_of_finite_scores_rise_with_them():
    scores = scores_of(np.arange(0x80 * BINS, 0xFF80 * BINS, 9_999_991))
    assert len(scores) > 400
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "holds float64 \\(3,\\); scores are a float32 array"),
        (np.zeros((3, 1), np.float32), "holds float32 \\(3, 1\\)"),
        (np.zeros(0, np.float32), "holds no score"),
        (np.array([0, 1, np.nan], np.float32), "score 2 is not finite"),
        (np.array([-np.inf, 1], np.float32), "score 0 is not finite"),
    ],
)
def test_bad_arrays_are_refused(tmp_path, array, message):
    np.save(tmp_path / "bad.npy", array)
    np.save(tmp_path / "good.npy", np.zeros(1, np.float32))
    with pytest.raises(DataError, match=message):
        stream_rates(tmp_path / "good.npy", tmp_path / "bad.npy")


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="Cannot read the scores"):
        ScoreFile.open(tmp_path / "none.npy")
    (tmp_path / "text.npy").write_text("0.1\n")
    with pytest.raises(DataError, match=r"text.npy"):
        ScoreFile.open(tmp_path / "text.npy")
    np.savez(tmp_path / "several.npz", a=np.zeros(2, np.float32))
    with pytest.raises(DataError, match="holds an archive"):
        ScoreFile.open(tmp_path / "several.npz")
    np.save(tmp_path / "cut.npy", np.zeros(10, np.float32))
    file = ScoreFile.open(tmp_path / "cut.npy")
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-4])
    with pytest.raises(DataError, match="ends before the 10 scores"):
        file.look(truth=True)
