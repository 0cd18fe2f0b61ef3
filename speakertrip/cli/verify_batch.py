"""``speakertrip verify --trials``: a trial list of enrolled speakers against utterances of a manifest."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.decisions import meaning, reason, speech_in_words
from speakertrip.cli.lines import one_line
from speakertrip.cli.notices import say
from speakertrip.cli.operating_point import expected
from speakertrip.cli.options import print_json, progress_bar
from speakertrip.cli.scoring import refuse_overwriting
from speakertrip.cli.short import many_short_in_words, short_facts
from speakertrip.errors import AudioError, UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speakertrip.enrollment import Scoring
    from speakertrip.manifests import Trials, Utterance
    from speakertrip.verifier import ShortSpeech, SpeakerVerifier, TrialScores

Lists = tuple["Trials", "Sequence[Utterance]"]


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What ``--trials``, ``--manifest`` and ``--out`` say.

    Attributes:
        trials: the list; None: there is none.
        manifest: where its test ids are found.
        out: the scores to write.
    """

    trials: str | None
    manifest: str | None
    out: str | None

    def read(self) -> "Lists | None":
        """Read the list and the manifest, before a model is loaded; None where there is no list.

        Raises:
            DataError: a file cannot be read or is malformed.
            UsageError: there is no manifest, or what is written is what is read.
            StorageError: what is to be written is a folder.
        """
        if not self.trials:
            return None
        if not self.manifest:
            raise UsageError("Missing option '--manifest': it says where the test ids of --trials are found.")
        if self.out:
            refuse_overwriting("--out", self.out, self.trials, self.manifest)
        from speakertrip.manifests import read_manifest, read_trials

        return read_trials(self.trials), read_manifest(self.manifest)


def verify_trials(
    verifier: "SpeakerVerifier", lists: "Lists", out: str | None, as_json: bool, scoring: "Scoring" = "mean"
) -> int:
    """Answer each trial, or write their scores, and return the exit code.

    It says whether all of the list could be answered, not what the answers are: 0, or 3 where audio cannot be used.
    """
    from speakertrip.verifier import score_enrolled, short_speech

    trials, utterances = lists
    with progress_bar("utterances") as advance:
        found = score_enrolled(verifier, trials, utterances, advance, scoring)
    for error in found.errors.values():
        click.echo(one_line(error), err=True)
    short = {
        test: short_speech(verifier, found.rule, speech) for test, speech in found.speech_seconds.items()
    }
    few = {test: each for test, each in short.items() if each}
    if few and not as_json:
        say(many_short_in_words(len(few)))
    if out:
        _write(out, trials, found, as_json)
    else:
        for row in range(len(trials)):
            _answer(trials, found, row, few, as_json)
    return AudioError.exit_code if found.errors else 0


def _answer(
    trials: "Trials", found: "TrialScores", row: int, few: "Mapping[str, ShortSpeech]", as_json: bool
) -> None:
    name, test, score = (
        trials.ids[trials.first[row]],
        trials.ids[trials.second[row]],
        float(found.scores[row]),
    )
    pair = {"enrollment": name, "test": test}
    if math.isnan(score):
        if as_json:
            print_json({**pair, "error": str(found.errors[test])})
        return
    decision = found.rule.decide(score)
    words = "accepted" if decision.accepted else "rejected"
    if as_json:
        numbers = {"score": decision.score, "threshold": decision.threshold, "llr": decision.llr}
        speech = {"speech_seconds": round(found.speech_seconds[test], 3), "meaning": meaning(decision)}
        errors = {**expected(found.rule.threshold), **short_facts(few.get(test))}
        print_json({**pair, "decision": words, **numbers, **speech, **errors})
    else:
        seconds = speech_in_words(found.speech_seconds[test])
        click.echo(f"{one_line(name)}\t{one_line(test)}: {words} ({reason(decision)}, {seconds})")


def _write(out: str, trials: "Trials", found: "TrialScores", as_json: bool) -> None:
    import numpy as np

    from speakertrip.manifests import Trials, write_scores

    rows = np.flatnonzero(~np.isnan(found.scores))
    names, tests = trials.enrollments, trials.tests
    kept = Trials.of([names[row] for row in rows], [tests[row] for row in rows], trials.targets[rows])
    write_scores(out, kept, found.scores[rows])
    if as_json:
        print_json({"out": out, "trials": len(trials), "scores": len(rows)})
    else:
        click.echo(f"{one_line(out)}: {counted(len(rows), 'score')}")
