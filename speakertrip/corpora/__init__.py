"""Corpora: build manifests, split speakers, draw trial lists. No torch here."""

from speakertrip.corpora.check import check_manifest
from speakertrip.corpora.folder import build_manifest
from speakertrip.corpora.pairing import draw_trials, draw_trials_within
from speakertrip.corpora.split import split_speakers, thin_speakers
from speakertrip.corpora.split_shares import split_by_shares
from speakertrip.corpora.stats import compute_stats
from speakertrip.corpora.trial_lists import TrialList, TrialOptions, make_trials

__all__ = [
    "TrialList",
    "TrialOptions",
    "build_manifest",
    "check_manifest",
    "compute_stats",
    "draw_trials",
    "draw_trials_within",
    "make_trials",
    "split_by_shares",
    "split_speakers",
    "thin_speakers",
]
