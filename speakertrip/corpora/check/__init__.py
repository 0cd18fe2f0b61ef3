"""Check a manifest against its audio: what cannot be used, what contradicts, what comes twice."""

from speakertrip.corpora.check.findings import Check, Finding, Kind
from speakertrip.corpora.check.manifest import check_manifest

__all__ = ["Check", "Finding", "Kind", "check_manifest"]
