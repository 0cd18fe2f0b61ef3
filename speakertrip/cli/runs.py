"""``speakertrip runs``: what training runs have come to, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speakertrip.cli.options import json_option, print_json
from speakertrip.cli.scoring import refuse_no_picture
from speakertrip.errors import NO_MATPLOTLIB, UsageError

if TYPE_CHECKING:
    from speakertrip.training.runs import RunFolder

SHORT = 10  # digits of a commit
WIDEST = 40  # characters of a value in a table
plot_option = click.option("--plot", metavar="PNG", help="Draw the curves into this picture.")


@click.group()
def runs() -> None:
    """List, compare and show training runs by what lies in their folders."""


@runs.command("list")
@click.argument("folder")
@json_option
def list_(folder: str, as_json: bool) -> None:
    """List the runs below FOLDER.

    A run is "running" if a process holds its lock; of one whose lock cannot tell (another's folder, a file system
    without locks), if it wrote a record within the last five minutes. The EER is that of the best validation, with
    its 95 % interval.
    """
    from speakertrip.training.runs import find_runs

    found = find_runs(folder)
    if as_json:
        for run in found:
            print_json(run.to_json())
        return
    rows = [["run", "state", "step", "loss", "EER %", "began", "commit", ""]]
    for run in found:
        summary = run.to_json()
        rows.append(
            [
                str(run.path.relative_to(folder)) if run.path != Path(folder) else str(run.path),
                summary["state"],
                _step(summary),
                _text(summary["loss"]),
                _eer(summary),
                _text(summary["began"]),
                _commit(summary),
                "; ".join(summary["problems"]),
            ]
        )
    click.echo(_table(rows))


@runs.command()
@click.argument("folders", metavar="RUN...", nargs=-1, required=True)
@plot_option
@json_option
def compare(folders: tuple[str, ...], plot: str | None, as_json: bool) -> None:
    """Show in which options runs differ, beside their results."""
    from speakertrip.training.runs import differences, read_run

    if len(folders) < 2:
        raise UsageError("Name two runs or more to compare; one is shown by: speakertrip runs show RUN.")
    found = [read_run(folder) for folder in folders]
    if plot is not None:
        _draw(found, plot)
    differing = differences(found)
    if as_json:
        for place, run in enumerate(found):
            differs = {key: values[place] for key, values in differing.items()}
            print_json({**run.to_json(), "differs": differs})
        return
    rows = [["", *folders]]
    rows += [[key, *(_text(value) for value in values)] for key, values in differing.items()]
    rows.append([""] * len(rows[0]))
    columns = [dict(_results(run)) for run in found]
    rows += [[name, *(column.get(name, "-") for column in columns)] for name in _merged(columns)]
    click.echo(_table(rows))


@runs.command()
@click.argument("folder", metavar="RUN")
@plot_option
@json_option
def show(folder: str, plot: str | None, as_json: bool) -> None:
    """Say how a run is doing: its error rate, the health of its loss, its speed."""
    from speakertrip.training.runs import read_run

    run = read_run(folder)
    if plot is not None:
        _draw([run], plot)
    if as_json:
        print_json({**run.to_json(), "starts": list(run.starts)})
    else:
        click.echo(_table([[name, value] for name, value in _results(run)]))


def _draw(found: "Sequence[RunFolder]", picture: str) -> None:
    refuse_no_picture("--plot", picture)
    try:
        from speakertrip.metrics.plot import save
        from speakertrip.training.plot import plot_curves
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] != "matplotlib":
            raise
        raise UsageError(NO_MATPLOTLIB) from None
    save(plot_curves({str(run.path): run.rows for run in found}), picture)


def _results(run: "RunFolder") -> list[tuple[str, str]]:
    """Return what a run has come to, by name, in words."""
    summary, latest = run.to_json(), run.latest
    found = [("state", summary["state"]), ("step", _step(summary))]
    if summary["validation_eer"] is not None:
        found.append(("best validation EER, %", f"{_eer(summary)} at step {summary['best_step']}"))
    found += [(f"minDCF({p})", f"{cost:.4f}") for p, cost in summary["validation_min_dcf"].items()]
    for name, value in latest.items():
        shown = f"{value:.2%}" if name in ("active", "batch_eer", "waiting") else f"{value:.4g}"
        found.append((name.replace("_", " "), shown))
    found += [("began", _text(summary["began"])), ("commit", _commit(summary))]
    if run.starts:
        newest = run.starts[-1]
        found += [
            (name, _text(newest[name])) for name in ("version", "device", "processes") if name in newest
        ]
    notices = [row for row in run.rows if isinstance(row.get("notice"), str)]
    found += [("notice", f"step {row['step']}: {row['notice']}") for row in notices[-1:]]
    return found + [("wrong", problem) for problem in summary["problems"]]


def _merged(columns: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names of all columns, each once."""
    return list(dict.fromkeys(name for column in columns for name in column))


def _step(summary: Mapping[str, Any]) -> str:
    return f"{summary['step']}/{_text(summary['steps'])}"


def _eer(summary: Mapping[str, Any]) -> str:
    if summary["validation_eer"] is None:
        return "-"
    ends = summary["validation_eer_interval"]
    interval = f" [{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]" if ends else ""
    return f"{100 * summary['validation_eer']:.2f}{interval}"


def _commit(summary: Mapping[str, Any]) -> str:
    return _text(summary["commit"])[:SHORT] + ("+changes" if summary["changed"] is True else "")


def _text(value: Any) -> str:
    """Put a value into a cell; a dash stands for none."""
    if value is None:
        return "-"
    text = str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Line up columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
