"""What only shows across utterances: audio that comes twice, and speakers with little to compare."""

from collections.abc import Iterable, Sequence

from speakertrip.corpora.check.findings import Finding, Kind, Row


def find_same_stretches(rows: Sequence[Row]) -> list[Finding]:
    """Find rows that name the stretch of an earlier one."""
    first: dict[object, Row] = {}
    findings = []
    for row in rows:
        each = row.utterance
        earlier = first.setdefault((each.path, each.span, each.start, each.duration), row)
        if earlier is not row:
            findings.append(_repeat(Kind.SAME_STRETCH, row, earlier, "names the stretch of"))
    return findings


def find_same_content(digests: Iterable[tuple[Row, bytes]]) -> list[Finding]:
    """Find rows whose decoded samples, by their hash, are those of an earlier row.

    Args:
        digests: by line.
    """
    first: dict[bytes, Row] = {}
    findings = []
    for row, digest in digests:
        earlier = first.setdefault(digest, row)
        if earlier is not row:
            findings.append(_repeat(Kind.DUPLICATE, row, earlier, "decodes to the samples of"))
    return findings


def _repeat(kind: Kind, row: Row, earlier: Row, words: str) -> Finding:
    text = f"{row.name} {words} line {earlier.line}, {earlier.name}"
    if row.utterance.speaker == earlier.utterance.speaker:
        return Finding(kind, row, f"{text}.")
    speakers = f"{earlier.utterance.speaker} there, {row.utterance.speaker} here"
    return Finding(Kind.TWO_SPEAKERS, row, f"{text}, under two speakers: {speakers}.")


def find_lone_speakers(rows: Sequence[Row]) -> list[Finding]:
    """Find speakers with one utterance, and those with more that are all of one session, where sessions are stated."""
    by_speaker: dict[str, list[Row]] = {}
    for row in rows:
        by_speaker.setdefault(row.utterance.speaker, []).append(row)
    findings = []
    for speaker, own in by_speaker.items():
        sessions = {row.utterance.session for row in own}
        if len(own) == 1:
            text = f"{speaker} has one utterance, {own[0].name}."
            findings.append(Finding(Kind.ONE_UTTERANCE, own[0], text))
        elif len(sessions) == 1 and sessions != {None}:
            text = f"All {len(own)} utterances of {speaker} are of one session, {own[0].utterance.session}."
            findings.append(Finding(Kind.ONE_SESSION, own[0], text))
    return findings
