"""How much a manifest holds, of whom, and how it is spread."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speakertrip.corpora.keys import value_of
from speakertrip.manifests import Utterance

KEYS = ("sex", "language", "corpus", "sample_rate")  # by which utterances are grouped
QUANTILES = {"least": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "most": 1.0}

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is of something.

    Attributes:
        utterances: how many.
        speakers: of how many.
        hours: of those utterances whose duration is stated.
    """

    utterances: int
    speakers: int
    hours: float


@dataclass(frozen=True, slots=True, eq=False)
class Stats:
    """The statistics of a manifest; no audio is read.

    Attributes:
        total: of everything.
        without_duration: utterances whose duration is not stated.
        durations: ``(utterances that state one,)``, seconds.
        utterances_per_speaker: ``(speakers,)``.
        sessions_per_speaker: ``(speakers with a stated session,)``.
        groups: by key (sex, language, corpus, sample_rate) and value, the most utterances first; a key that no
            utterance has is absent, and the value is "" where an utterance has none.
    """

    total: Amount
    without_duration: int
    durations: FloatArray
    utterances_per_speaker: IntArray
    sessions_per_speaker: IntArray
    groups: Mapping[str, Mapping[str, Amount]]

    @property
    def spreads(self) -> dict[str, FloatArray]:
        """What has a spread, by name; without that of which nothing is known."""
        named: dict[str, FloatArray | IntArray] = {
            "utterances_per_speaker": self.utterances_per_speaker,
            "sessions_per_speaker": self.sessions_per_speaker,
            "seconds_per_utterance": self.durations,
        }
        return {name: np.asarray(values, np.float64) for name, values in named.items() if len(values)}

    def to_json(self) -> dict[str, Any]:
        """Return everything as an object of JSON, with quantiles for the spreads."""
        return {
            **asdict(self.total),
            "without_duration": self.without_duration,
            **{name: quantiles(values) for name, values in self.spreads.items()},
            "by": {
                key: {value: asdict(amount) for value, amount in values.items()}
                for key, values in self.groups.items()
            },
        }


def compute_stats(utterances: Sequence[Utterance]) -> Stats:
    """Count what a manifest holds.

    >>> from pathlib import Path
    >>> rows = [Utterance(f"{n}", Path("a.wav"), f"s{n % 2}", duration=3.6, sex="f") for n in range(3)]
    >>> compute_stats(rows).groups
    {'sex': {'f': Amount(utterances=3, speakers=2, hours=0.003)}}
    """
    durations = [each.duration for each in utterances if each.duration is not None]
    sessions = {(each.speaker, each.session) for each in utterances if each.session is not None}
    return Stats(
        total=_amount(utterances),
        without_duration=len(utterances) - len(durations),
        durations=np.array(durations, np.float64),
        utterances_per_speaker=_counts(each.speaker for each in utterances),
        sessions_per_speaker=_counts(speaker for speaker, _ in sessions),
        groups={key: groups for key in KEYS if set(groups := _group(utterances, key)) != {""}},
    )


def quantiles(values: FloatArray) -> dict[str, float]:
    """Return the quantiles of ``(n,)`` values by name, interpolated linearly.

    >>> quantiles(np.array([1.0, 2.0, 4.0]))["median"]
    2.0
    """
    found = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(QUANTILES, found.tolist(), strict=True))


def _counts(names: Iterable[str]) -> IntArray:
    return np.array(list(Counter(names).values()), np.int64)


def _group(utterances: Sequence[Utterance], key: str) -> dict[str, Amount]:
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(value_of(utterance, key) or "", []).append(utterance)
    by_size = sorted(groups, key=lambda value: (-len(groups[value]), value))
    return {value: _amount(groups[value]) for value in by_size}


def _amount(utterances: Sequence[Utterance]) -> Amount:
    seconds = sum(each.duration or 0.0 for each in utterances)
    return Amount(len(utterances), len({each.speaker for each in utterances}), round(seconds / 3600, 6))
