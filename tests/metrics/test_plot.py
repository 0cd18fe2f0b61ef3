import errno

import numpy as np
import pytest

from speakertrip.errors import StorageError
from speakertrip.metrics import OperatingPoint, det_curve, equal_error_rate
from speakertrip.metrics.plot import POINTS, _deviate, plot_calibration, plot_det, plot_scores, save


@pytest.fixture
def trials():
    rng = np.random.default_rng(0)
    targets = rng.random(20_000) < 0.3
    return rng.normal(size=20_000) + 3 * targets, targets


def test_det_curves_are_drawn_at_normal_deviates(trials):
    curve = det_curve(*trials)
    figure = plot_det({"A": curve}, [OperatingPoint(0.01)], {"A": (0.05, 0.08)})
    line, eer, interval, lowest, _ = figure.axes[0].lines
    assert 50 < len(line.get_xdata()) <= POINTS + 1
    assert np.isin(line.get_ydata(), _deviate(curve.miss)).all()
    # Two normal distributions of equal width: a straight line of slope -1, as far as there are trials.
    x, y = line.get_xdata(), line.get_ydata()
    middle = np.abs(x - y) < 2
    assert np.polyfit(x[middle], y[middle], 1)[0] == pytest.approx(-1, abs=0.1)
    assert [*eer.get_xdata(), *eer.get_ydata()] == pytest.approx(
        [float(_deviate(equal_error_rate(curve)))] * 2
    )
    assert interval.get_xdata() == pytest.approx(_deviate([0.05, 0.08]))
    best = np.argmin(0.01 * curve.miss + 0.99 * curve.false_alarm)
    assert lowest.get_xdata() == pytest.approx([float(_deviate(curve.false_alarm[best]))])
    assert f"A: EER {equal_error_rate(curve):.2%}" in [
        t.get_text() for t in figure.axes[0].get_legend().texts
    ]


def test_scores_are_drawn_by_kind(trials):
    figure = plot_scores(*trials, {"EER": 1.5})
    labels = [text.get_text() for text in figure.axes[0].get_legend().texts]
    assert labels == [f"{trials[1].sum():,} targets", f"{(~trials[1]).sum():,} nontargets", "EER: 1.5"]


def test_a_calibrated_system_is_drawn_near_the_straight_line():
    rng = np.random.default_rng(0)
    targets = rng.random(200_000) < 0.5
    llrs = rng.normal(size=len(targets)) * 2 + np.where(targets, 2, -2)  # equal variances: LLR = 4 s / 4
    figure = plot_calibration(det_curve(llrs, targets))
    pieces = np.array(figure.axes[0].collections[0].get_segments())
    middle = pieces[np.abs(pieces[:, :, 0]).max(axis=1) < 3]
    assert len(middle) > 20
    assert (np.abs(middle[:, 0, 1] - middle[:, :, 0].mean(axis=1)) < 0.5).all()


def test_extreme_scores_can_be_drawn(tmp_path):
    for scores in ([0, 1], [1, 0], [1, 1]):
        curve = det_curve(scores, [False, True])
        for figure in (
            plot_det({"A": curve}),
            plot_calibration(curve),
            plot_scores(scores, [False, True], {}),
        ):
            save(figure, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_a_picture_that_cannot_be_written(tmp_path):
    figure = plot_scores([0, 1], [False, True], {})
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        save(figure, tmp_path / "file" / "picture.png")


def test_a_full_disk_leaves_the_old_picture_and_no_empty_one(tmp_path, monkeypatch):
    figure = plot_scores([0, 1], [False, True], {})

    def full(path, **_):
        path.write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    save(figure, tmp_path / "old.png")
    old = (tmp_path / "old.png").read_bytes()
    monkeypatch.setattr(figure, "savefig", full)
    for name in ("old.png", "new.png"):
        with pytest.raises(StorageError, match=rf"Cannot write .*{name}: No space left"):
            save(figure, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]
    assert (tmp_path / "old.png").read_bytes() == old
