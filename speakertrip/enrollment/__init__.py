"""Enrolled speakers: profiles and their store.

profiles (what is kept of a speaker) ─┐
├─► store (where it is kept) ─► search (who of them is it?)
encryption (how it stands there) ─────┘
"""

from speakertrip.enrollment.encryption.keys import make_key, read_key
from speakertrip.enrollment.profiles.exchange import read_profiles, write_profiles
from speakertrip.enrollment.profiles.profile import Enrollment, Profile, Summary, check_name
from speakertrip.enrollment.search.crowd import Candidate, Crowd, Identification
from speakertrip.enrollment.search.search import SearchOptions
from speakertrip.enrollment.store.audit import AuditLog, Event
from speakertrip.enrollment.store.conversion import decrypt_store, encrypt_store
from speakertrip.enrollment.store.store import EnrollMode, SpeakerStore, default_store
from speakertrip.enrollment.store.tables.state import Scoring

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
