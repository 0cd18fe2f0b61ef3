"""Error rates per condition: by sex, language, session and duration, as the manifest states them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.evaluation.checks import check_trials, require_ids
from speakertrip.evaluation.report import Interval, require_scores
from speakertrip.manifests import Trials, Utterance
from speakertrip.metrics import det_curve, eer_interval, equal_error_rate

BoolArray = npt.NDArray[np.bool_]
SECONDS = (0, 2, 5, 10, 20)  # ends of the duration buckets, of the shorter side
LANGUAGES = 12  # the most frequent ones are listed


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """The error rate of the trials of one condition.

    Attributes:
        name: which condition: "sex", "language", "session", "duration".
        value: its value: "female", "under 2 s", "same", ...
        trials: how many, of which ``targets`` are target trials, of ``target_speakers`` speakers.
        eer: None where targets or nontargets are missing.
        eer_interval: 95 %, by a bootstrap over speakers.
    """

    name: str
    value: str
    trials: int
    targets: int
    target_speakers: int
    eer: float | None
    eer_interval: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON types."""
        return {
            "condition": self.name,
            "value": self.value,
            "trials": self.trials,
            "targets": self.targets,
            "target_speakers": self.target_speakers,
            "eer": self.eer,
            "eer_interval": None if self.eer_interval is None else list(self.eer_interval),
        }


@dataclass(frozen=True, slots=True)
class Side:
    """What a manifest says of one side of a trial; None where it says nothing, or a model's utterances differ."""

    speaker: str
    sex: str | None
    language: str | None
    session: str | None
    seconds: float | None


def sides_of(
    utterances: Sequence[Utterance], models: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Side]:
    """Return what a manifest says of each utterance id and of each enrollment model.

    Raises:
        DataError: a model names an id that the manifest lacks.
    """
    sides = {u.id: Side(u.speaker, u.sex, u.language, u.session, u.duration) for u in utterances}
    for model, ids in (models or {}).items():
        require_ids(ids, sides)
        sides[model] = _model_side([sides[id_] for id_ in ids])
    return sides


def _model_side(of_model: list[Side]) -> Side:
    def common(values: set[str | None]) -> str | None:
        return values.pop() if len(values) == 1 else None

    seconds = [side.seconds for side in of_model if side.seconds is not None]
    return Side(
        of_model[0].speaker,
        common({side.sex for side in of_model}),
        common({side.language for side in of_model}),
        common({side.session for side in of_model}),
        sum(seconds) if len(seconds) == len(of_model) else None,
    )


def report_conditions(
    trials: Trials, scores: npt.ArrayLike, sides: Mapping[str, Side]
) -> list[ConditionReport]:
    """Compute the error rate of the trials of each condition that the manifest tells apart.

    Sex and language hold trials whose two sides agree, "mixed" those that do not. The session tells target trials
    apart, each kind against all nontargets. A duration is that of the shorter side.

    Args:
        trials: the pairs and their truth.
        scores: ``(trials,)``, finite.
        sides: what is known of each id; see ``sides_of``.

    Returns:
        One row for each value that occurs; none for a condition with a single value.

    Raises:
        DataError: as of ``report``.
    """
    first, second, _ = check_trials(trials, {id_: side.speaker for id_, side in sides.items()})
    values = require_scores(trials, scores)
    rows = []
    for name, value, chosen in _conditions(trials, sides):
        targets = int(trials.targets[chosen].sum())
        speakers = len(np.unique(first[chosen & trials.targets]))
        eer = ends = None
        if 0 < targets < chosen.sum():
            kept = values[chosen], trials.targets[chosen]
            eer = equal_error_rate(det_curve(*kept))
            ends = eer_interval(*kept, first[chosen], second[chosen])
        rows.append(ConditionReport(name, value, int(chosen.sum()), targets, speakers, eer, ends))
    return rows


def _conditions(trials: Trials, sides: Mapping[str, Side]) -> Iterator[tuple[str, str, BoolArray]]:
    of_ids = [sides[id_] for id_ in trials.ids]
    yield from _agreeing("sex", [side.sex for side in of_ids], trials)
    yield from _agreeing("language", [side.language for side in of_ids], trials)
    yield from _sessions([side.session for side in of_ids], trials)
    yield from _durations([side.seconds for side in of_ids], trials)


def _agreeing(name: str, values: list[str | None], trials: Trials) -> Iterator[tuple[str, str, BoolArray]]:
    """Yield the trials whose two sides have one value, the most frequent values first, and those of two values."""
    distinct = sorted({value for value in values if value is not None})
    if len(distinct) < 2:
        return
    code = np.array([-1 if value is None else distinct.index(value) for value in values])
    first, second = code[trials.first], code[trials.second]
    counts = np.bincount(first[(first == second) & (first >= 0)], minlength=len(distinct))
    for place in np.argsort(-counts, kind="stable")[:LANGUAGES]:
        if counts[place]:
            yield name, distinct[place], (first == place) & (second == place)
    mixed = (first != second) & (first >= 0) & (second >= 0)
    if mixed.any():
        yield name, "mixed", mixed


def _sessions(values: list[str | None], trials: Trials) -> Iterator[tuple[str, str, BoolArray]]:
    codes = {value: place for place, value in enumerate(sorted({v for v in values if v is not None}))}
    code = np.array([-1 if value is None else codes[value] for value in values])
    first, second = code[trials.first], code[trials.second]
    known = trials.targets & (first >= 0) & (second >= 0)
    kinds = [("same", known & (first == second)), ("different", known & (first != second))]
    if all(chosen.any() for _, chosen in kinds):
        for value, chosen in kinds:
            yield "session", value, chosen | ~trials.targets


def _durations(values: list[float | None], trials: Trials) -> Iterator[tuple[str, str, BoolArray]]:
    seconds = np.array([np.nan if value is None else value for value in values])
    shorter = np.minimum(seconds[trials.first], seconds[trials.second])
    ends = zip(SECONDS, [*SECONDS[1:], np.inf], strict=True)
    buckets = [(low, high, (shorter >= low) & (shorter < high)) for low, high in ends]
    found = [(low, high, chosen) for low, high, chosen in buckets if chosen.any()]
    for low, high, chosen in found if len(found) > 1 else []:
        value = (
            f"under {high} s" if not low else f"{low} s or more" if high == np.inf else f"{low} to {high} s"
        )
        yield "duration", value, chosen
