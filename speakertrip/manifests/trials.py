"""Trial lists: pairs of an enrollment and a test utterance with their truth, and enrollment maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.lines import (
    FilePath,
    ListLines,
    is_listable,
    read_lines,
    split_fields,
    write_lines,
)

VOXCELEB_LABELS = {"1": True, "0": False}
KALDI_LABELS = {"target": True, "nontarget": False}


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A trial list by columns; ``Trials.of`` makes one from ids.

    Attributes:
        ids: the ids of both sides, distinct, each of them in use.
        first: int array ``(trials,)``; rows of ``ids``, the enrollment side.
        second: the same, the test side.
        targets: bool array ``(trials,)``; True where both sides are the same speaker.
        lines: where it was read; None where it was made in memory.

    Examples:
        >>> trials = Trials.of(["a", "a"], ["b", "c"], [True, False])
        >>> trials.ids, trials.first, trials.second
        (['a', 'b', 'c'], array([0, 0], dtype=int32), array([1, 2], dtype=int32))
        >>> trials.where(1)
        'The trial a and c'
    """

    ids: list[str]
    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    targets: npt.NDArray[np.bool_]
    lines: ListLines | None = None

    @classmethod
    def of(cls, enrollments: Sequence[str], tests: Sequence[str], targets: npt.ArrayLike) -> "Trials":
        """Make a trial list of the ids of its two sides, one per trial, and its truth ``(trials,)``.

        Raises:
            ValueError: the lengths differ.
        """
        truth = np.asarray(targets, dtype=np.bool_)
        if not len(enrollments) == len(tests) == len(truth):
            raise ValueError("enrollments, tests and targets must be of one length.")
        place = {id_: row for row, id_ in enumerate(dict.fromkeys(chain(enrollments, tests)))}
        first = np.fromiter(map(place.__getitem__, enrollments), np.int32, len(enrollments))
        second = np.fromiter(map(place.__getitem__, tests), np.int32, len(tests))
        return cls(list(place), first, second, truth)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def enrollments(self) -> list[str]:
        """The ids of the enrollment side, one per trial."""
        return [self.ids[row] for row in self.first.tolist()]

    @property
    def tests(self) -> list[str]:
        """The ids of the test side, one per trial."""
        return [self.ids[row] for row in self.second.tolist()]

    def where(self, row: int) -> str:
        """Name a trial in a message: by file and line where it was read, else by its pair."""
        if self.lines is not None:
            return self.lines.where(row)
        return f"The trial {self.ids[self.first[row]]} and {self.ids[self.second[row]]}"


def read_trials(path: FilePath) -> Trials:
    """Read a trial list in VoxCeleb (``1 enrollment test``) or Kaldi (``enrollment test target``) form.

    The first line decides the form. A pair may come twice, as in some published lists, but not with two truths.

    Raises:
        DataError: the file cannot be read, a line does not fit the form, or two lines contradict each other.
    """
    enrollments: list[str] = []
    tests: list[str] = []
    targets: list[bool] = []
    seen: dict[tuple[str, str], bool] = {}
    labels: dict[str, bool] | None = None
    for number, text in read_lines(path, "trial list"):
        fields = split_fields(text)
        if len(fields) != 3 or not all(fields):
            raise DataError(
                f"{path}, line {number}: a trial has 3 fields, this line has {len(fields)}: {text!r}."
            )
        if labels is None:
            labels = KALDI_LABELS if fields[2] in KALDI_LABELS else VOXCELEB_LABELS
        label, enrollment, test = fields if labels is VOXCELEB_LABELS else (fields[2], fields[0], fields[1])
        if label not in labels:
            raise DataError(
                f"{path}, line {number}: {label!r} is no label; a trial is '1 enrollment test' (or 0), or "
                "'enrollment test target' (or nontarget), the same form on every line."
            )
        target = labels[label]
        if seen.setdefault((enrollment, test), target) != target:
            raise DataError(
                f"{path}, line {number}: {enrollment} and {test} stood above with the other label."
            )
        enrollments.append(enrollment)
        tests.append(test)
        targets.append(target)
    if not enrollments:
        raise DataError(f"{path}: this trial list holds no trial.")
    return Trials.of(enrollments, tests, targets)


def write_trials(path: FilePath, trials: Trials) -> None:
    """Write a trial list in the VoxCeleb form, separated by tabs where an id holds a space.

    Raises:
        DataError: an id cannot stand in a list, see ``separator``.
        StorageError: the file cannot be written.
    """
    sep = separator(trials.enrollments, trials.tests)
    rows = zip(trials.targets, trials.enrollments, trials.tests, strict=True)
    write_lines(path, (f"{int(target)}{sep}{enrollment}{sep}{test}" for target, enrollment, test in rows))


def read_enrollment_map(path: FilePath) -> dict[str, list[str]]:
    """Read an enrollment map: ``model utterance [utterance ...]`` a line.

    Returns:
        The ids of each model's utterances, in file order.

    Raises:
        DataError: the file cannot be read, a model has no utterance, or a model comes twice.
    """
    models: dict[str, list[str]] = {}
    for number, text in read_lines(path, "enrollment map"):
        model, *utterances = split_fields(text)
        if not model or not utterances or not all(utterances):
            raise DataError(
                f"{path}, line {number}: expected 'model utterance [utterance ...]', found {text!r}."
            )
        if model in models:
            raise DataError(f"{path}, line {number}: the model {model!r} stands on an earlier line.")
        models[model] = utterances
    return models


def separator(*columns: list[str]) -> str:
    """Return a tab if any id holds white space, else a space.

    Raises:
        DataError: an id is empty, holds a tab or line break, has white space at an end, or begins with ``#``.
    """
    for column in columns:
        for id_ in column:
            if not is_listable(id_):
                raise DataError(
                    f"The id {id_!r} cannot stand in a list; it must be UTF-8 text without tabs, line breaks, "
                    "white space at an end or a leading '#'."
                )
    return "\t" if any(id_.split() != [id_] for column in columns for id_ in column) else " "
