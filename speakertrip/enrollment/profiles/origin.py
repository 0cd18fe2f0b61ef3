"""Where an enrolled utterance is from, as the store keeps it: a file, or a part of one."""

import re
from dataclasses import dataclass
from pathlib import Path

from speakertrip.audio import audio_of, read_header
from speakertrip.audio.utterance import ROUNDING
from speakertrip.enrollment.profiles.recordings import sha256_of
from speakertrip.manifests import Utterance

NUMBER = r"[0-9][0-9.e+-]*"
PART = re.compile(
    rf"(?P<path>.+)#(?:span=(?P<first>\d+),(?P<count>\d+))?&?"
    rf"(?:start=(?P<start>{NUMBER}))?&?(?:duration=(?P<duration>{NUMBER}))?"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The audio of an enrolled utterance.

    Attributes:
        path: the file, absolute.
        start: where the utterance begins, in seconds.
        duration: its length in seconds; None: to the end.
        span: where the audio file lies within ``path``, as (first byte, bytes); None: it is the audio file.
    """

    path: Path
    start: float = 0.0
    duration: float | None = None
    span: tuple[int, int] | None = None

    @classmethod
    def of(cls, utterance: Utterance) -> "Origin":
        """Return where an utterance of a manifest is from; one that is the whole of its file is no stretch of it.

        Raises:
            AudioError: the file cannot be read.
        """
        duration = utterance.duration
        if not utterance.start and duration is not None:
            whole = read_header(audio_of(utterance)).duration
            duration = None if whole - duration <= ROUNDING else duration
        return cls(utterance.path.absolute(), utterance.start, duration, utterance.span)

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read what ``str`` wrote; a file that is there by the whole of that name is meant by it.

        >>> origin = Origin.parse("/audio/a.wav#start=1.5&duration=2.0")
        >>> origin.path.name, origin.start, origin.duration
        ('a.wav', 1.5, 2.0)
        """
        found = PART.fullmatch(text)
        try:
            if found is None or Path(text).exists():
                return cls(Path(text))
            start, duration = float(found["start"] or 0), found["duration"] and float(found["duration"])
        except (OSError, ValueError):  # no part of a file, then
            return cls(Path(text))
        span = (int(found["first"]), int(found["count"])) if found["first"] else None
        return cls(Path(found["path"]), start, duration or None, span)

    def __str__(self) -> str:
        span = "" if self.span is None else f"span={self.span[0]},{self.span[1]}"
        parts = [part for part in (span, self._stretch) if part]
        return f"{self.path}#{'&'.join(parts)}" if parts else str(self.path)

    @property
    def utterance(self) -> Utterance:
        """The same as an utterance, by its text and of nobody."""
        return Utterance(str(self), self.path, "", start=self.start, duration=self.duration, span=self.span)

    def sha256(self) -> str:
        """Return the checksum of the audio file's bytes, followed by the stretch where it is one, in hexadecimal.

        So two stretches of one file are two utterances, and the same file enrolled by its name and by a manifest is
        one.

        Raises:
            AudioError: the file cannot be read.
        """
        return sha256_of(audio_of(self.utterance), f"#{self._stretch}" if self._stretch else "")

    @property
    def _stretch(self) -> str:
        numbers = {"start": self.start or None, "duration": self.duration}
        return "&".join(f"{key}={number!r}" for key, number in numbers.items() if number is not None)
