"""What a check can find, and what of it is an error."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

from speakertrip.manifests import Utterance


class Kind(Enum):
    """The kinds of findings, in the order of a report; each finding is of one line of the manifest.

    Errors, which make an utterance useless or a result wrong:

    ``MISSING``: there is no such file. ``EMPTY``: the file holds no samples. ``UNREADABLE``: it cannot be decoded.
    ``TRUNCATED``: it ends before its own header says. ``CHECKSUM``: it is not the file of the manifest's ``sha256``.
    ``SAMPLE_RATE``: it has another rate than the manifest states. ``DURATION``: it is shorter than the manifest
    states. ``BEYOND_END``: the stretch from ``start`` on ends, or begins, beyond the end of the file. ``SHORT``: under
    0.4 s. ``LONG``: over an hour. ``NOT_FINITE``: samples that are NaN, infinite or far beyond full scale.
    ``SILENT``: never above -60 dB of full scale. ``SAME_STRETCH``: another id names the same stretch of the same file.
    ``DUPLICATE``: another utterance of the speaker decodes to the same samples. ``TWO_SPEAKERS``: an utterance of
    another speaker does.

    Notes, which a corpus may have:

    ``EXTENSION``: the file is of another format than its name says. ``PART``: the manifest names the beginning of the
    file only. ``CLIPPED``: more than 0.1 % of the samples are clipped. ``LITTLE_SPEECH``: less than 0.5 s of it.
    ``ONE_UTTERANCE``: the speaker has no other, and makes no target trial. ``ONE_SESSION``: the speaker's utterances
    are all of one session, and make no target trial across sessions.
    """

    MISSING = "missing"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    CHECKSUM = "checksum"
    SAMPLE_RATE = "sample-rate"
    DURATION = "duration"
    BEYOND_END = "beyond-end"
    SHORT = "short"
    LONG = "long"
    NOT_FINITE = "not-finite"
    SILENT = "silent"
    SAME_STRETCH = "same-stretch"
    DUPLICATE = "duplicate"
    TWO_SPEAKERS = "two-speakers"
    EXTENSION = "extension"
    PART = "part"
    CLIPPED = "clipped"
    LITTLE_SPEECH = "little-speech"
    ONE_UTTERANCE = "one-utterance"
    ONE_SESSION = "one-session"

    @property
    def is_error(self) -> bool:
        """Tell errors from notes."""
        return self not in NOTES


NOTES = frozenset(
    {
        *(Kind.EXTENSION, Kind.PART, Kind.CLIPPED, Kind.LITTLE_SPEECH),
        *(Kind.ONE_UTTERANCE, Kind.ONE_SESSION),
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance of the manifest under check.

    Attributes:
        line: of the manifest, from 1.
        utterance: what stands there.
        path: as the manifest has it.
    """

    line: int
    utterance: Utterance
    path: str

    @property
    def name(self) -> str:
        """What messages call its audio: the path, and of audio in a shard the id too."""
        return self.path if self.utterance.span is None else f"{self.utterance.id} in {self.path}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found.

    Attributes:
        kind: what.
        row: where; for a speaker, the first utterance.
        message: one sentence.
    """

    kind: Kind
    row: Row
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return it as an object of JSON."""
        utterance = self.row.utterance
        return {
            "kind": self.kind.value,
            "severity": "error" if self.kind.is_error else "note",
            "line": self.row.line,
            "id": utterance.id,
            "path": self.row.path,
            "speaker": utterance.speaker,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found in all.

    Attributes:
        utterances: how many were looked at.
        speakers: of how many speakers.
        findings: by kind, then by line.
    """

    utterances: int
    speakers: int
    findings: list[Finding]

    @property
    def counts(self) -> dict[Kind, int]:
        """How many findings there are of each kind that was found, in the order of kinds."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in Kind if kind in found}

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.kind.is_error for finding in self.findings)

    @property
    def notes(self) -> int:
        """How many findings are notes."""
        return len(self.findings) - self.errors
