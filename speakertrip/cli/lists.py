"""Trial lists on the command line, with the manifest and the enrollment map that they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.gathering import Verb, gathered
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.manifests import Trials, Utterance


@dataclass(frozen=True, slots=True)
class Lists:
    """The files that say what is compared, as read.

    Attributes:
        trials: the pairs.
        utterances: of the manifest; none without one.
        models: of the enrollment map; None without one.
    """

    trials: "Trials"
    utterances: "Sequence[Utterance]"
    models: Mapping[str, Sequence[str]] | None

    @property
    def speakers(self) -> dict[str, str] | None:
        """The speaker of each id; None without a manifest."""
        from speakertrip.evaluation import speakers_of

        return speakers_of(self.utterances, self.models) if self.utterances else None


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What ``--trials``, ``--manifest`` and ``--enrollments`` say.

    Attributes:
        trials: the list.
        manifest: where its ids are found.
        enrollments: an enrollment map.
    """

    trials: str
    manifest: str | None
    enrollments: str | None

    @property
    def files(self) -> tuple[str | None, ...]:
        """All that is read; None where nothing is."""
        return self.trials, self.manifest, self.enrollments

    def read(self) -> Lists:
        """Read the lists.

        Raises:
            DataError: a file cannot be read or is malformed.
            UsageError: an enrollment map without a manifest.
        """
        from speakertrip import manifests

        if self.enrollments and not self.manifest:
            raise UsageError("--enrollments names utterances of a manifest; give --manifest too.")
        return Lists(
            manifests.read_trials(self.trials),
            manifests.read_manifest(self.manifest) if self.manifest else [],
            manifests.read_enrollment_map(self.enrollments) if self.enrollments else None,
        )

    def read_for_audio(self) -> Lists:
        """Read the lists of a verb that needs the audio, too.

        Raises:
            DataError: as of ``read``.
            UsageError: there is no manifest.
        """
        if not self.manifest:
            raise UsageError("Missing option '--manifest': a model needs the audio of the trials.")
        return self.read()


def list_options(verb: Verb) -> Verb:
    """Add ``--trials``, ``--manifest`` and ``--enrollments``, as ``listed``."""
    trials = click.option("--trials", required=True, metavar="TRIALS", help="Trial list.")
    manifest = click.option(
        "--manifest", metavar="MANIFEST", help="Where its ids are found, and their speakers."
    )
    enrollments = click.option(
        "--enrollments", metavar="MAP", help="Enrollment map: 'model utterance [utterance ...]' a line."
    )
    return trials(manifest(enrollments(gathered(ListOptions, "listed")(verb))))
