"""Scores of a trial list on the command line: by a model, or from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import Verb, progress_bar
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from speakertrip.manifests import Trials, Utterance


@dataclass(frozen=True, slots=True)
class Lists:
    """The files that say what is compared, as read.

    Attributes:
        trials: the pairs.
        utterances: of the manifest; None without one.
        models: of the enrollment map; None without one.
    """

    trials: "Trials"
    utterances: "Sequence[Utterance] | None"
    models: Mapping[str, Sequence[str]] | None

    @property
    def speakers(self) -> dict[str, str] | None:
        """The speaker of each id; None without a manifest."""
        from speakertrip.evaluation import speakers_of

        return None if self.utterances is None else speakers_of(self.utterances, self.models)


def list_options(verb: Verb) -> Verb:
    """Add ``--trials``, ``--manifest`` and ``--enrollments``."""
    trials = click.option("--trials", required=True, metavar="TRIALS", help="Trial list.")
    manifest = click.option(
        "--manifest", metavar="MANIFEST", help="Where its ids are found, and their speakers."
    )
    enrollments = click.option(
        "--enrollments", metavar="MAP", help="Enrollment map: 'model utterance [utterance ...]' a line."
    )
    return trials(manifest(enrollments(verb)))


def read_lists(trials: str, manifest: str | None, enrollments: str | None) -> Lists:
    """Read what the list options name.

    Raises:
        DataError: a file cannot be read or is malformed.
        UsageError: an enrollment map without a manifest.
    """
    from speakertrip import manifests

    if enrollments and not manifest:
        raise UsageError("--enrollments names utterances of a manifest; give --manifest too.")
    return Lists(
        manifests.read_trials(trials),
        manifests.read_manifest(manifest) if manifest else None,
        manifests.read_enrollment_map(enrollments) if enrollments else None,
    )


def refuse_overwriting(option: str, target: str, *inputs: str | None) -> None:
    """Check that what is written is none of what is read.

    Raises:
        UsageError: it is.
    """
    if Path(target).resolve() in {Path(file).resolve() for file in inputs if file}:
        raise UsageError(f"{option} {target} would overwrite what is read; name another file.")


def score_by_model(lists: Lists, model: str, device: str, threads: int | None) -> "npt.NDArray[np.float32]":
    """Score the trials by a bundle.

    Raises:
        UsageError: there is no manifest to find the audio by.
        SpeakertripError: as of ``Bundle.load``, ``check_trials`` and ``score_trials``.
    """
    from speakertrip import evaluation
    from speakertrip.bundle import Bundle
    from speakertrip.embedding import Embedder

    if lists.utterances is None:
        raise UsageError("A model needs the audio: give the --manifest that holds the ids of the trials.")
    evaluation.check_trials(lists.trials, lists.speakers)
    embedder = Embedder(Bundle.load(model).model, device, threads)
    with progress_bar("utterances") as advance:
        return evaluation.score_trials(embedder, lists.trials, lists.utterances, lists.models, advance)
