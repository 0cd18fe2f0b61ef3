"""The model that the options of a verb name, and what it computes on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakertrip.bundle import Bundle
    from speakertrip.embedding import Embedder


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What ``--model`` and ``--revision`` say.

    Attributes:
        model: folder of a bundle, or a name on the hub; None: the model that ships with speakertrip.
        revision: branch, tag or commit there; None: its main branch.
    """

    model: str | None
    revision: str | None

    @property
    def name(self) -> str:
        """What it is called in a report."""
        if self.model:
            return self.model
        from speakertrip.bundle.source import SHIPPED

        return SHIPPED

    def load(self) -> "Bundle":
        """Load the bundle.

        Raises:
            BundleError: it is missing or damaged, or cannot be fetched.
        """
        from speakertrip.bundle import Bundle

        return Bundle.load(self.model, self.revision)


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """What ``--device`` and ``--threads`` say.

    Attributes:
        device: "auto", "cpu", "cuda" or "mps".
        threads: CPU threads; None: as many as suit the audio.
    """

    device: str
    threads: int | None

    def embedder(self, bundle: "Bundle") -> "Embedder":
        """Return what embeds audio by a bundle there.

        Raises:
            UsageError: the device is not available.
        """
        from speakertrip.embedding import Embedder

        return Embedder(bundle.model, self.device, self.threads)
