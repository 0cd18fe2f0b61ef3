"""Scores of a trial list on the command line: by a model, or from a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speakertrip.cli.lists import Lists
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.options import progress_bar
from speakertrip.errors import DataError, StorageError, UsageError, counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from speakertrip.backend import FittedOn
    from speakertrip.manifests import Trials

PNG = b"\x89PNG\r\n\x1a\n"  # what a picture begins with


same_trials_option = click.option(
    "--same-trials", is_flag=True, help="Report also on the trials that the calibration was fitted on."
)


def caution(targets: int, speakers: int) -> str | None:
    """Return a warning where an interval rests on too few speakers; None where it does not."""
    from speakertrip.metrics import MIN_SPEAKERS

    if speakers >= MIN_SPEAKERS:
        return None
    return (
        f"The interval says little: it rests on {counted(targets, 'target trial')} of "
        f"{counted(speakers, 'speaker')}; use a list with target trials of at least {MIN_SPEAKERS} speakers."
    )


def refuse_overwriting(option: str, target: str, *inputs: str | None) -> None:
    """Check that what is written is none of what is read.

    Raises:
        StorageError: it is a folder.
        UsageError: it is one of them.
    """
    if Path(target).is_dir():
        raise StorageError(f"Cannot write {target}: it is a folder.")
    if Path(target).resolve() in {Path(file).resolve() for file in inputs if file}:
        raise UsageError(f"{option} {target} would overwrite what is read; name another file.")


def refuse_no_picture(option: str, target: str, *inputs: str | None) -> None:
    """Check that a picture replaces nothing but an earlier one.

    Raises:
        StorageError: its place is a folder.
        UsageError: its name does not end in .png, or stands for what is read or for anything but a picture.
    """
    if target:
        refuse_overwriting(option, target, *inputs)
    if Path(target).suffix.lower() != ".png":
        raise UsageError(f"{option} {target!r} is no name of a picture; give one that ends in .png.")
    if Path(target).is_file():
        with Path(target).open("rb") as file:
            if file.read(len(PNG)) not in (PNG, b""):
                raise UsageError(f"{option} {target} would overwrite what is no picture; name another file.")


def score_by_model(
    lists: Lists, model: ModelOptions, device: DeviceOptions, same_trials: bool
) -> "npt.NDArray[np.float32]":
    """Score the trials of ``ListOptions.read_for_audio`` by a bundle.

    Raises:
        UsageError: the bundle's calibration was fitted on these trials.
        SpeakertripError: as of ``Bundle.load``, ``check_trials`` and ``score_trials``.
    """
    from speakertrip import evaluation

    evaluation.check_trials(lists.trials, lists.speakers)
    bundle = model.load()
    if not same_trials:
        require_other_trials(bundle.backend.fitted_on, lists.trials)
    embedder = device.embedder(bundle)
    with progress_bar("utterances") as advance:
        return evaluation.score_trials(
            embedder, lists.trials, lists.utterances, lists.models, advance, bundle.backend
        )


def scores_of_files(
    trials: "Trials", scores: Sequence[str], calibration: str | None, same_trials: bool
) -> "npt.NDArray[np.floating]":
    """Read the scores of trials, and calibrate them if asked.

    Raises:
        DataError: a file cannot be read, is malformed, or the calibration is of another number of systems.
        UsageError: the calibration was fitted on these trials.
    """
    import numpy as np

    from speakertrip.backend.calibration_file import CalibrationFile
    from speakertrip.manifests import read_scores

    columns = [read_scores(file, trials) for file in scores]
    if calibration is None:
        return columns[0]
    fitted = CalibrationFile.read(calibration)
    if not same_trials:
        require_other_trials(fitted.fitted_on, trials)
    if len(fitted.names) != len(columns):
        raise DataError(
            f"{calibration} takes {counted(len(fitted.names), 'score file')}, not {len(columns)}."
        )
    return fitted.calibration(np.column_stack(columns) if len(columns) > 1 else columns[0])


def require_other_trials(fitted_on: "FittedOn | None", trials: "Trials") -> None:
    """Check that what is reported was not fitted on the same trials.

    Raises:
        UsageError: it was.
    """
    if fitted_on is not None and fitted_on.overlaps(trials):
        raise UsageError(
            f"The calibration was fitted on utterances of these trials ({fitted_on.name}), so that what it reaches on "
            "them says nothing; take another list, or ask for it by --same-trials."
        )
