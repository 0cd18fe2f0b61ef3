"""The report folder: one JSON object, a page to read, and pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from speakertrip.errors import StorageError, counted
from speakertrip.evaluation.conditions import ConditionReport
from speakertrip.evaluation.report import Interval, Report
from speakertrip.manifests import Trials
from speakertrip.manifests.lines import FilePath, write_lines
from speakertrip.metrics import MIN_SPEAKERS, OperatingPoint, det_curve, threshold_at_eer

PICTURES = {"det.png": "DET curve", "scores.png": "Scores", "calibration.png": "Calibration"}
FILES = ("report.json", "report.md", *PICTURES)


def write_report(
    folder: FilePath,
    name: str,
    trials: Trials,
    scores: npt.NDArray[np.floating],
    report: Report,
    conditions: Sequence[ConditionReport] = (),
) -> bool:
    """Write ``report.json``, ``report.md`` and, where matplotlib is installed, pictures.

    Args:
        folder: made if need be; files of these names in it are replaced, others stay.
        name: of the system, as it stands in the page and the pictures.
        trials: the pairs and their truth.
        scores: ``(trials,)``.
        report: of these scores.
        conditions: of these scores.

    Returns:
        Whether the pictures were drawn.

    Raises:
        StorageError: a file cannot be written.
    """
    into = Path(folder)
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot make the folder {folder}: {error.strerror}.") from None
    drawn = _draw(into, name, trials, scores, report)
    entries = {"system": name, **report.to_json(), "conditions": [row.to_json() for row in conditions]}
    write_lines(into / "report.json", [json.dumps(entries, indent=2)])
    write_lines(into / "report.md", _page(name, report, conditions, drawn))
    return drawn


def plotting() -> ModuleType | None:
    """Return the module that draws; None where matplotlib is not installed."""
    try:
        from speakertrip.metrics import plot
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "matplotlib":
            raise
        return None
    return plot


def _draw(folder: Path, name: str, trials: Trials, scores: npt.NDArray[np.floating], report: Report) -> bool:
    plot = plotting()
    if plot is None:
        return False
    curve = det_curve(scores, trials.targets)
    points = [OperatingPoint(p) for p in report.min_dcf]
    thresholds = {"EER": threshold_at_eer(curve)}
    for point in points:
        best = int(point.cost(curve.miss, curve.false_alarm).argmin())
        thresholds[f"lowest cost at p = {point.p_target:g}"] = float(curve.thresholds[best])
    plot.save(plot.plot_det({name: curve}, points, {name: report.eer_interval}), folder / "det.png")
    plot.save(plot.plot_scores(scores, trials.targets, thresholds), folder / "scores.png")
    plot.save(plot.plot_calibration(curve), folder / "calibration.png")
    return True


def table(report: Report) -> list[tuple[str, str]]:
    """Return the rates by name, as text with their intervals."""
    counts = f"{report.trials:,} ({report.targets:,} target), {counted(report.speakers, 'speaker')}"
    if report.speakers_from != "manifest":
        counts += " (ids that target trials join count as one)"
    found = [
        ("trials", counts),
        ("EER", f"{_percent(report.eer)}  {_percents(report.eer_interval)} 95 % interval over speakers"),
        ("EER, convex hull", _percent(report.eer_convex_hull)),
    ]
    for name, costs in (("min", report.min_dcf), ("act", report.act_dcf)):
        for p, cost in costs.items():
            found.append(
                (f"{name}DCF({p:g})", f"{_number(cost)}  {_ends(report.intervals[f'{name}_dcf({p:g})'])}")
            )
    found.append(("Cllr", f"{_number(report.cllr)}  {_ends(report.intervals['cllr'])} bits"))
    found.append(("minCllr", f"{_number(report.min_cllr)}  {_ends(report.intervals['min_cllr'])} bits"))
    return found


def _page(name: str, report: Report, conditions: Sequence[ConditionReport], drawn: bool) -> list[str]:
    lines = [f"# {name}", "", "| rate | value |", "|---|---|"]
    lines += [f"| {rate} | {value} |" for rate, value in table(report)]
    lines += ["", "actDCF and Cllr take the scores for natural-log likelihood ratios."]
    if report.target_speakers < MIN_SPEAKERS:
        lines += [
            "",
            "**The intervals say little:** they rest on "
            f"{counted(report.target_speakers, 'speaker')} with target trials.",
        ]
    if conditions:
        lines += [
            "",
            "## By condition",
            "",
            "| condition | trials | targets | EER | 95 % interval |",
            "|---|---|---|---|---|",
        ]
    for row in conditions:
        rate = "-" if row.eer is None else _percent(row.eer)
        ends = "-" if row.eer_interval is None else _percents(row.eer_interval)
        lines.append(f"| {row.name}: {row.value} | {row.trials:,} | {row.targets:,} | {rate} | {ends} |")
    if drawn:
        for picture, title in PICTURES.items():
            lines += ["", f"## {title}", "", f"![{title}]({picture})"]
    return lines


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %"


def _percents(ends: Interval) -> str:
    return f"[{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]"


def _ends(ends: Interval) -> str:
    return f"[{_number(ends[0])}, {_number(ends[1])}]"


def _number(value: float) -> str:
    return f"{value:.4f}" if value < 1e6 else f"{value:.4g}"
