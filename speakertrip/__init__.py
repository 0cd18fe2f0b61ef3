"""Speaker verification: train with the multi-sample triplet loss, measure with intervals, ship as one command."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakertrip.backend import FalseAlarmRate
    from speakertrip.bundle import Bundle
    from speakertrip.embedding import Embedder
    from speakertrip.errors import SpeakertripError
    from speakertrip.evaluation import Report, evaluate
    from speakertrip.losses import MultiSampleTripletLoss, TripletLoss
    from speakertrip.manifests import Trials, Utterance, read_manifest, read_trials
    from speakertrip.metrics import OperatingPoint
    from speakertrip.verifier import SpeakerVerifier

__version__ = "0.1.0"

# Resolved at first use, so that `import speakertrip` loads no torch.
_HOMES = {
    "Bundle": "speakertrip.bundle",
    "Embedder": "speakertrip.embedding",
    "FalseAlarmRate": "speakertrip.backend",
    "MultiSampleTripletLoss": "speakertrip.losses",
    "OperatingPoint": "speakertrip.metrics",
    "Report": "speakertrip.evaluation",
    "SpeakerVerifier": "speakertrip.verifier",
    "SpeakertripError": "speakertrip.errors",
    "Trials": "speakertrip.manifests",
    "TripletLoss": "speakertrip.losses",
    "Utterance": "speakertrip.manifests",
    "evaluate": "speakertrip.evaluation",
    "read_manifest": "speakertrip.manifests",
    "read_trials": "speakertrip.manifests",
}

__all__ = [
    "Bundle",
    "Embedder",
    "FalseAlarmRate",
    "MultiSampleTripletLoss",
    "OperatingPoint",
    "Report",
    "SpeakerVerifier",
    "SpeakertripError",
    "Trials",
    "TripletLoss",
    "Utterance",
    "__version__",
    "evaluate",
    "read_manifest",
    "read_trials",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'speakertrip' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
