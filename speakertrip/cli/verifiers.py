"""The verifier that the options of a verb describe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.gathering import Verb, gathered
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.operating_point import PointOptions
from speakertrip.cli.stores import StoreOptions

if TYPE_CHECKING:
    from speakertrip.audio import SpeechNeeds
    from speakertrip.audio.detectors import DetectorName
    from speakertrip.verifier import SpeakerVerifier


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What ``--vad`` and ``--min-speech`` say.

    Attributes:
        vad: what detects speech.
        min_speech: seconds of speech that are needed.
    """

    vad: "DetectorName"
    min_speech: float

    def to_compare(self) -> "SpeechNeeds":
        """Return what a comparison needs.

        Raises:
            UsageError: the seconds are no number.
        """
        from speakertrip.audio import SpeechNeeds

        return SpeechNeeds(self.vad, comparison_seconds=self.min_speech)

    def to_enroll(self, accept_poor: bool) -> "SpeechNeeds":
        """Return what an enrollment needs, and whether it may be of poor quality.

        Raises:
            UsageError: the seconds are no number.
        """
        from speakertrip.audio import SpeechNeeds

        return SpeechNeeds(self.vad, enrollment_seconds=self.min_speech, accept_poor=accept_poor)


def speech_options(needed: float) -> Callable[[Verb], Verb]:
    """Return a decorator that adds ``--vad`` and ``--min-speech``, whose default is the seconds that are needed."""
    detector = click.option(
        "--vad",
        type=click.Choice(["energy", "silero", "none"]),
        default="energy",
        show_default=True,
        help="What detects speech; silero needs the extra of that name.",
    )
    least = click.option(
        "--min-speech",
        type=click.FloatRange(0),
        default=needed,
        show_default=True,
        metavar="SECONDS",
        help="Speech that is needed.",
    )
    together = gathered(SpeechOptions, "speech")
    return lambda verb: detector(least(together(verb)))


@dataclass(frozen=True, slots=True)
class VerifierOptions:
    """What a verifier is made of; each but the first two only where a verb has options for it.

    Attributes:
        model: that embeds.
        device: what it computes on.
        store: of the speakers.
        speech: how much there must be.
        point: what is decided by.
    """

    model: ModelOptions
    device: DeviceOptions
    store: StoreOptions | None = None
    speech: SpeechOptions | None = None
    point: PointOptions | None = None

    def require_enrolled(self, name: str | None) -> None:
        """Check, before the model is loaded, that there is a store and, if one is named, that it holds a speaker.

        Raises:
            StoreError: there is none, it is damaged, its key does not fit, or nobody of that name is enrolled.
            StorageError: it cannot be read.
            UsageError: the name is none.
        """
        from speakertrip.enrollment.profiles.profile import known_name

        if name is not None:
            known_name(name)
        if self.store:
            opened = self.store.look()
            opened.require()
            if name is not None:
                opened.get(name)

    def to_enroll(self, accept_poor: bool = False) -> "SpeakerVerifier":
        """Load the model and open the store, to enroll speakers.

        Raises:
            UsageError: as of ``SpeakerVerifier.from_pretrained`` and ``SpeechOptions.to_enroll``.
            SpeakertripError: as of ``SpeakerVerifier.from_pretrained`` and ``StoreOptions.open``.
        """
        return self._load(self.speech.to_enroll(accept_poor) if self.speech else None, self.store)

    def to_compare(self, with_store: bool = True) -> "SpeakerVerifier":
        """Load the model and, if asked for, open the store, to compare and decide.

        Raises:
            UsageError: as of ``to_enroll``.
            SpeakertripError: likewise.
        """
        return self._load(
            self.speech.to_compare() if self.speech else None, self.store if with_store else None
        )

    def _load(self, needs: "SpeechNeeds | None", store: StoreOptions | None) -> "SpeakerVerifier":
        opened = store.look() if store else None  # what is wrong with it is said before torch is imported
        from speakertrip.verifier import SpeakerVerifier

        return SpeakerVerifier.from_pretrained(
            self.model.model,
            opened,
            self.device.device,
            self.device.threads,
            needs,
            self.point.chosen() if self.point else None,
            self.model.revision,
        )
