"""Enrolled speakers: profiles and their store."""

from speakertrip.enrollment.audit import AuditLog, Event
from speakertrip.enrollment.conversion import decrypt_store, encrypt_store
from speakertrip.enrollment.crowd import Candidate, Crowd, Identification
from speakertrip.enrollment.exchange import read_profiles, write_profiles
from speakertrip.enrollment.keys import make_key, read_key
from speakertrip.enrollment.profile import Enrollment, Profile, Summary, check_name
from speakertrip.enrollment.search import SearchOptions
from speakertrip.enrollment.state import Scoring
from speakertrip.enrollment.store import EnrollMode, SpeakerStore, default_store

__all__ = [
    "AuditLog",
    "Candidate",
    "Crowd",
    "EnrollMode",
    "Enrollment",
    "Event",
    "Identification",
    "Profile",
    "Scoring",
    "SearchOptions",
    "SpeakerStore",
    "Summary",
    "check_name",
    "decrypt_store",
    "default_store",
    "encrypt_store",
    "make_key",
    "read_key",
    "read_profiles",
    "write_profiles",
]
