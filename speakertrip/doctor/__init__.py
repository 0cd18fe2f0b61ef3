"""Is this installation sound? Checks that need nothing but Python to begin with: any library may be broken."""

from speakertrip.doctor.check import Check
from speakertrip.doctor.examine import examine

__all__ = ["Check", "examine"]
