"""Trial lists: pairs of an enrollment and a test utterance, with their truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.columns import Block, ListReader, zip_columns
from speakertrip.manifests.id_table import IdTable, RowArray
from speakertrip.manifests.lines import FilePath, ListLines, is_listable, write_lines


@dataclass(frozen=True, slots=True)
class _Form:
    """Which column of a trial list is the label, which are the sides; and the labels, nontarget first."""

    label: int
    sides: slice
    labels: IdTable


VOXCELEB = _Form(0, slice(1, 3), IdTable.of(["0", "1"]))
KALDI = _Form(2, slice(0, 2), IdTable.of(["nontarget", "target"]))
CN_CELEB = _Form(2, slice(0, 2), VOXCELEB.labels)
FORMS = "'1 enrollment test' (or 0), 'enrollment test target' (or nontarget), or 'enrollment test 1' (or 0)"


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
    first: RowArray
    second: RowArray
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

    @property
    def repeats(self) -> int:
        """How many trials have the pair of an earlier one."""
        return len(self) - len(np.unique(self.keys()))

    def keys(self) -> npt.NDArray[np.int64]:
        """Return a number for each trial's pair, ``(trials,)``: first x ids + second."""
        return self.first.astype(np.int64) * len(self.ids) + self.second

    def where(self, row: int) -> str:
        """Name a trial in a message: by file and line where it was read, else by its pair."""
        if self.lines is not None:
            return self.lines.where(row)
        return f"The trial {self.ids[self.first[row]]} and {self.ids[self.second[row]]}"


def read_trials(path: FilePath) -> Trials:
    """Read a trial list in the form of VoxCeleb, Kaldi or CN-Celeb.

    These are ``1 enrollment test``, ``enrollment test target`` and ``enrollment test 1`` (and 0, or ``nontarget``).
    The first line decides the form. A pair may come twice, as in some published lists (``Trials.repeats`` counts
    them), but not with two truths.

    Raises:
        DataError: the file cannot be read, a line does not fit the form, or two lines contradict each other.
    """
    reader = ListReader(path, "trial list", "a trial has 3 fields")
    ids = IdTable()
    first: list[RowArray] = []
    second: list[RowArray] = []
    truths: list[npt.NDArray[np.bool_]] = []
    form: _Form | None = None
    for block in reader.blocks():
        form = form or _form_of(block)
        truth = form.labels.find(block.raw, block.begins[:, form.label], block.ends[:, form.label])
        if truth.min() < 0:
            row = int(truth.argmin())
            raise DataError(
                f"{reader.lines.where(block.row + row)}: {block.text(row, form.label)!r} is no label; a trial is "
                f"{FORMS}, the same form on every line."
            )
        sides = ids.add(block.raw, block.begins[:, form.sides].ravel(), block.ends[:, form.sides].ravel())
        first.append(sides[0::2].copy())  # a view would keep both
        second.append(sides[1::2].copy())
        truths.append(truth == 1)
    if not truths:
        raise DataError(f"{path}: this trial list holds no trial.")
    columns = np.concatenate(first), np.concatenate(second), np.concatenate(truths)
    first.clear()  # at millions of lines, a second copy counts
    second.clear()
    trials = Trials(ids.ids, *columns, reader.lines)
    _require_one_truth(trials, reader.lines)
    return trials


def _form_of(block: Block) -> _Form:
    """Decide by the first row; where nothing fits, the message is that of the VoxCeleb form."""
    first, last = block.text(0, 0), block.text(0, 2)
    if last in KALDI.labels.ids:
        return KALDI
    return CN_CELEB if last in CN_CELEB.labels.ids and first not in VOXCELEB.labels.ids else VOXCELEB


def _require_one_truth(trials: Trials, lines: ListLines) -> None:
    labelled = trials.keys() * 2 + trials.targets
    labelled.sort()
    both = labelled[1:][labelled[1:] ^ labelled[:-1] == 1] >> 1  # neighbours that differ in the label alone
    if len(both):
        rows = np.flatnonzero(trials.keys() == both[0])
        other = rows[trials.targets[rows] != trials.targets[rows[0]]][0]
        more = f" ({len(both)} such pairs)" if len(both) > 1 else ""
        raise DataError(
            f"{lines.where(other)}: {trials.ids[trials.first[other]]} and {trials.ids[trials.second[other]]} stand "
            f"on line {lines.number(rows[0])} with the other label{more}."
        )


def write_trials(path: FilePath, trials: Trials) -> None:
    """Write a trial list in the VoxCeleb form, separated by tabs where an id holds a space.

    Raises:
        DataError: an id cannot stand in a list, see ``separator``.
        StorageError: the file cannot be written.
    """
    sep = separator(trials.ids)
    ids, rows = trials.ids, zip_columns(trials.targets, trials.first, trials.second)
    write_lines(path, (f"{int(target)}{sep}{ids[first]}{sep}{ids[second]}" for target, first, second in rows))


def separator(*columns: Sequence[str]) -> str:
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
