"""Trial lists made from a manifest: all pairs or a sample, under conditions, per speaker, with enrollment models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from speakertrip.corpora.enrollment_models import Model, draw_models
from speakertrip.corpora.pairs import Candidates, IntArray, PairArrays, Pairs
from speakertrip.errors import DataError, UsageError, counted
from speakertrip.manifests import Trials, Utterance

MOST_TRIALS = 50_000_000  # of a kind in a list; more is a slip, and would fill the memory


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """Which pairs a trial list holds.

    Attributes:
        targets: at most so many target trials, 0 or more; None: as many as there are.
        nontargets: the same for nontarget trials.
        targets_per_speaker: at most so many target trials of a speaker, 1 or more; None: no limit.
        nontargets_per_speaker: at most so many nontarget trials with a speaker on the enrollment side.
        same_sex: both sides are of one sex.
        cross_session: the sides of a target trial are of different sessions. (A session is one speaker's.)
        language: "same" or "cross": both sides are of one language or of two; None: of any.
        enroll_utterances: enroll models of so many utterances, one for a speaker; None: single utterances.
        seed: of everything that is drawn, 0 or more.

    Raises:
        UsageError: a number is out of its range.
    """

    targets: int | None = None
    nontargets: int | None = None
    targets_per_speaker: int | None = None
    nontargets_per_speaker: int | None = None
    same_sex: bool = False
    cross_session: bool = False
    language: Literal["same", "cross"] | None = None
    enroll_utterances: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"targets": 0, "nontargets": 0, "seed": 0}
        for name in ("targets_per_speaker", "nontargets_per_speaker", "enroll_utterances"):
            least[name] = 1
        for name, minimum in least.items():
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise UsageError(f"Trials need {name} of {minimum} or more, not {value}.")


@dataclass(frozen=True, slots=True, eq=False)
class TrialList:
    """What ``make_trials`` made.

    Attributes:
        trials: targets first, then nontargets.
        models: the ids of each enrollment model's utterances; none without ``enroll_utterances``.
        left_out: how many utterances the manifest says too little about for the conditions.
    """

    trials: Trials
    models: dict[str, list[str]]
    left_out: int


def make_trials(
    utterances: Sequence[Utterance], options: TrialOptions, name: str = "this manifest"
) -> TrialList:
    """Make a trial list.

    Without enrollment models, no pair comes twice, not even turned round, and chance says which side enrolls. With
    them, no utterance of any model is a test. Utterances without the sex, session or language that a condition asks
    for are left out.

    Args:
        utterances: a manifest.
        options: which pairs.
        name: what to call the manifest in messages.

    Raises:
        DataError: the manifest lacks what a condition asks for, no pair fulfils the conditions, or too many do.

    Examples:
        >>> from pathlib import Path
        >>> rows = [Utterance(f"{s}/{i}", Path("a.wav"), s, sex=x) for s, x in ("af", "bf", "cm") for i in (1, 2)]
        >>> made = make_trials(rows, TrialOptions(same_sex=True))
        >>> int(made.trials.targets.sum()), len(made.trials)  # a and b have four nontarget pairs, c has none
        (3, 7)
    """
    given = len(utterances)
    utterances = _with_fields(utterances, options, name)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(options.seed).spawn(3)]
    models: list[Model] = []
    if options.enroll_utterances is not None:
        models = draw_models(
            utterances,
            options.enroll_utterances,
            streams[0],
            cross_session=options.cross_session,
            language=options.language,
        )
        if not models:
            wanted = counted(options.enroll_utterances, "utterance")
            raise DataError(
                f"{name}: no speaker has {wanted} for a model and another one for a target test{_under(options)}."
            )
    targets = _choose(utterances, models, options, True, streams[1], name)
    nontargets = _choose(utterances, models, options, False, streams[2], name)
    trials = _trials(utterances, models, targets, nontargets)
    if not len(trials):
        raise DataError(f"{name}: a list of no trials was asked for.")
    by_name = {model.name: [utterances[i].id for i in model.utterances] for model in models}
    return TrialList(trials, by_name, given - len(utterances))


def _choose(
    utterances: Sequence[Utterance],
    models: list[Model],
    options: TrialOptions,
    target: bool,
    rng: np.random.Generator,
    name: str,
) -> PairArrays:
    """Choose the trials of one kind; rows of the models where there are any, else of the manifest."""
    kind = "target" if target else "nontarget"
    most = options.targets if target else options.nontargets
    per_speaker = options.targets_per_speaker if target else options.nontargets_per_speaker
    if most == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    candidates = _candidates(utterances, options, target)
    if not models:
        pairs, tests = Pairs(candidates), np.arange(len(utterances))
    else:
        enrolled = np.concatenate([model.utterances for model in models])
        tests = np.setdiff1d(np.arange(len(utterances)), enrolled)
        pairs = Pairs(_take(candidates, enrolled[:: options.enroll_utterances]), _take(candidates, tests))
    if not pairs.total:
        raise DataError(f"{name}: there is no pair for a {kind} trial{_under(options)}.")
    count = min(pairs.total, most or pairs.total) if per_speaker is None else pairs.limited(per_speaker)
    if count > MOST_TRIALS:
        raise DataError(
            f"{name}: these would be {count:,} {kind} trials{_under(options)}; ask for {MOST_TRIALS:,} or fewer."
        )
    first, second = pairs.choose(rng, most, per_speaker)
    order = np.lexsort((second, first))
    return first[order], tests[second[order]]


def _candidates(utterances: Sequence[Utterance], options: TrialOptions, target: bool) -> Candidates:
    """Say which utterances go together; a model stands for all its utterances with its first one."""
    speaker = _numbers([utterance.speaker for utterance in utterances])
    language = _numbers([utterance.language for utterance in utterances])
    if target:
        within, apart = speaker, np.arange(len(utterances))
        if options.cross_session:
            apart = _numbers([utterance.session for utterance in utterances])
    else:
        within, apart = np.zeros_like(speaker), speaker
        if options.same_sex:
            within = _numbers([utterance.sex for utterance in utterances])
    if options.language == "same":
        within = within * (1 + language.max(initial=0)) + language
    return Candidates(speaker, within, apart, language if options.language == "cross" else None)


def _numbers(names: Sequence[str | None]) -> IntArray:
    numbers: dict[str | None, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _take(candidates: Candidates, rows: IntArray) -> Candidates:
    across = None if candidates.across is None else candidates.across[rows]
    return Candidates(candidates.speaker[rows], candidates.within[rows], candidates.apart[rows], across)


def _trials(
    utterances: Sequence[Utterance], models: list[Model], targets: PairArrays, nontargets: PairArrays
) -> Trials:
    first = np.concatenate([targets[0], nontargets[0]])
    second = np.concatenate([targets[1], nontargets[1]]) + len(models)
    ids = [model.name for model in models] + [utterance.id for utterance in utterances]
    used = np.zeros(len(ids), np.bool_)
    used[first] = used[second] = True
    rows = (np.cumsum(used) - 1).astype(np.int32)
    return Trials(
        [ids[row] for row in np.flatnonzero(used).tolist()],
        rows[first],
        rows[second],
        np.arange(len(first)) < len(targets[0]),
    )


def _with_fields(utterances: Sequence[Utterance], options: TrialOptions, name: str) -> Sequence[Utterance]:
    """Return the utterances that have what the conditions ask for."""
    needed = {"sex": options.same_sex, "session": options.cross_session, "language": options.language}
    for key in [key for key, asked in needed.items() if asked]:
        utterances = [utterance for utterance in utterances if getattr(utterance, key) is not None]
        if not utterances:
            raise DataError(f"{name}: no utterance has a {key}, which the conditions ask for.")
    return utterances


def _under(options: TrialOptions) -> str:
    """Name the conditions, for messages."""
    conditions = [
        *(["of one sex"] if options.same_sex else []),
        *(["across sessions"] if options.cross_session else []),
        *(
            []
            if options.language is None
            else ["of one language" if options.language == "same" else "across languages"]
        ),
    ]
    return f" {', '.join(conditions)}".rstrip()
