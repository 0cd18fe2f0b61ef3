"""Score files, joined to a trial list by the pair, in any order."""

import numpy as np
import numpy.typing as npt

from speakertrip.errors import DataError
from speakertrip.manifests.columns import Block, ListReader, zip_columns
from speakertrip.manifests.id_table import IdTable, IntArray, cells_of
from speakertrip.manifests.join import join_pairs
from speakertrip.manifests.lines import FilePath, write_lines
from speakertrip.manifests.trials import Trials, separator

FIELDS = "a score line is 'enrollment test score' or 'score enrollment test'"
SCORE_LAST, SCORE_FIRST = (2, slice(0, 2)), (0, slice(1, 3))  # column of the score, columns of the pair
LONGEST_NUMBER = 64  # bytes; a longer one is read by itself
SPACE = 32
FloatArray = npt.NDArray[np.float64]


def write_scores(path: FilePath, trials: Trials, scores: npt.NDArray[np.floating]) -> None:
    """Write one line per trial, each score with 9 significant digits (float32 survives exactly).

    Args:
        path: the file to write.
        trials: the pairs.
        scores: ``(trials,)``, higher for the same speaker.

    Raises:
        DataError: an id cannot stand in a list.
        StorageError: the file cannot be written.
        ValueError: there are not as many scores as trials.
    """
    if len(scores) != len(trials):
        raise ValueError(f"{len(scores)} scores do not fit {len(trials)} trials.")
    sep, ids = separator(trials.ids), trials.ids
    rows = zip_columns(trials.first, trials.second, scores)
    write_lines(path, (f"{ids[first]}{sep}{ids[second]}{sep}{score:.9g}" for first, second, score in rows))


def read_scores(path: FilePath, trials: Trials) -> FloatArray:
    """Read the scores of a trial list, in the order of the list.

    A line is ``enrollment test score`` or, as VoxSRC writes it, ``score enrollment test``; the first line decides
    for the file. Where both its ends are numbers, the reading whose pair is a trial of the list counts. Where the
    list has a pair several times, the file may have it once or as often, with one score.

    Returns:
        float64 array ``(trials,)``.

    Raises:
        DataError: the file cannot be read; a line is malformed or its score not finite; a pair is not in the list,
            stands there the other way round, comes more often than there or with two scores; or a trial has no
            score.
    """
    reader = ListReader(path, "score file", FIELDS)
    ids = IdTable.of(trials.ids)
    order: tuple[int, slice] | None = None
    scores: list[FloatArray] = [np.zeros(0)]
    keys: list[IntArray] = [np.zeros(0, np.int64)]
    for block in reader.blocks():
        order = order or _column_order(block, ids, trials)
        if order is None:
            raise DataError(f"{reader.lines.where(0)}: {FIELDS}; neither end of this line is a number.")
        column, sides = order
        scores.append(_read_numbers(block, column, reader))
        rows = ids.find(block.raw, block.begins[:, sides].ravel(), block.ends[:, sides].ravel())
        if len(unknown := np.flatnonzero(rows < 0)):
            row, side = divmod(int(unknown[0]), 2)
            id_ = block.text(row, sides.start + side)
            raise DataError(f"{reader.lines.where(block.row + row)}: no trial of the list has the id {id_}.")
        keys.append(rows[0::2].astype(np.int64) * len(trials.ids) + rows[1::2])
    columns = np.concatenate(keys), np.concatenate(scores)
    keys.clear()  # at millions of lines, a second copy counts
    scores.clear()
    return join_pairs(trials, *columns, reader.lines)


def _column_order(block: Block, ids: IdTable, trials: Trials) -> tuple[int, slice] | None:
    """Decide by the first row; None where it has no number at either end."""
    readings = [order for order in (SCORE_LAST, SCORE_FIRST) if _number(block.text(0, order[0])) is not None]
    for order in readings:
        first, second = ids.find(block.raw, block.begins[0, order[1]], block.ends[0, order[1]]).tolist()
        if min(first, second) >= 0 and bool(np.any((trials.first == first) & (trials.second == second))):
            return order
    return readings[0] if readings else None


def _read_numbers(block: Block, column: int, reader: ListReader) -> FloatArray:
    numbers = _numbers_at_once(block.raw, block.begins[:, column], block.ends[:, column])
    if numbers is None:
        each = [_number(text) for text in block.texts(column)]
        if None in each:
            row = each.index(None)
            raise DataError(
                f"{reader.lines.where(block.row + row)}: {block.text(row, column)!r} is no number; {FIELDS}, the "
                "same on every line."
            )
        numbers = np.array(each, dtype=np.float64)
    if len(bad := np.flatnonzero(~np.isfinite(numbers))):
        raise DataError(
            f"{reader.lines.where(block.row + int(bad[0]))}: the score {block.text(int(bad[0]), column)} is not "
            "finite."
        )
    return numbers


def _numbers_at_once(raw: bytes, begins: IntArray, ends: IntArray) -> FloatArray | None:
    """Read a number at each place; None where one is none, or cannot be told from its neighbours."""
    lengths = ends - begins
    if lengths.max() > LONGEST_NUMBER:
        return None
    width = int(lengths.max()) + 1
    cells = cells_of(raw, begins, width)
    cells[np.arange(width) >= lengths[:, None]] = SPACE
    text = cells.tobytes()
    texts = text.split()
    if len(texts) != len(begins) or b"_" in text:
        return None
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)  # Python takes 1_000 for a number, other tools do not
    except ValueError:
        return None
