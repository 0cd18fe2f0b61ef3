"""Corpora: build manifests, split speakers, draw trial lists. No torch here."""

from speakertrip.corpora.folder import build_manifest
from speakertrip.corpora.pairing import draw_trials
from speakertrip.corpora.split import split_speakers

__all__ = ["build_manifest", "draw_trials", "split_speakers"]
