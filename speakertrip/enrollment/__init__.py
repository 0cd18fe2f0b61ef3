"""Enrolled speakers: profiles and their store."""

from speakertrip.enrollment.crowd import Candidate, Crowd, Identification
from speakertrip.enrollment.exchange import read_profiles, write_profiles
from speakertrip.enrollment.profile import Enrollment, Profile, Summary, check_name
from speakertrip.enrollment.search import SearchOptions
from speakertrip.enrollment.state import Scoring
from speakertrip.enrollment.store import EnrollMode, SpeakerStore, default_store

__all__ = [
    "Candidate",
    "Crowd",
    "EnrollMode",
    "Enrollment",
    "Identification",
    "Profile",
    "Scoring",
    "SearchOptions",
    "SpeakerStore",
    "Summary",
    "check_name",
    "default_store",
    "read_profiles",
    "write_profiles",
]
