"""Rows and files: utterances, trials, enrollment maps and scores (formats in ``manifests/README.md``)."""

from speakertrip.manifests.enrollments import read_enrollment_map, write_enrollment_map
from speakertrip.manifests.scores import read_scores, write_scores
from speakertrip.manifests.trials import Trials, read_trials, write_trials
from speakertrip.manifests.utterances import Utterance, read_manifest, write_manifest

__all__ = [
    "Trials",
    "Utterance",
    "read_enrollment_map",
    "read_manifest",
    "read_scores",
    "read_trials",
    "write_enrollment_map",
    "write_manifest",
    "write_scores",
    "write_trials",
]
