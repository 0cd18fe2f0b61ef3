"""A whole manifest: its files in a pool of threads, then what shows across them."""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event

from speakertrip.corpora.check.across import find_lone_speakers, find_same_content, find_same_stretches
from speakertrip.corpora.check.file import Examined, examine
from speakertrip.corpora.check.findings import Check, Finding, Kind, Row
from speakertrip.manifests.lines import FilePath
from speakertrip.manifests.utterances import number_utterances

BATCH = 1024  # files in flight
MOST_THREADS = 8  # each holds up to ten minutes of audio


def check_manifest(
    manifest: FilePath, *, quick: bool = False, progress: Callable[[int, int], None] | None = None
) -> Check:
    """Check a manifest and all the audio that it names; a damaged file stops nothing.

    Args:
        manifest: its file; relative paths are taken from its folder. "-" is standard input.
        quick: read headers alone: what only samples tell stays unfound, and checksums are not compared.
        progress: called with (utterances just done, utterances in all).

    Returns:
        What was found. Memory grows with the manifest, by a hash for each utterance, and not with the audio.

    Raises:
        DataError: the manifest itself cannot be read, see ``read_manifest``.
    """
    rows = _read_rows(manifest)
    by_file: dict[object, list[Row]] = {}
    for row in rows:
        by_file.setdefault((row.utterance.path, row.utterance.span), []).append(row)
    findings = find_same_stretches(rows)
    named_before = {finding.row.line for finding in findings}
    digests: list[tuple[Row, bytes]] = []
    with closing(_examine_all(list(by_file.values()), quick)) as results:
        for own, examined in results:
            findings += examined.findings
            digests += [each for each in examined.digests if each[0].line not in named_before]
            if progress:
                progress(len(own), len(rows))
    digests.sort(key=lambda each: each[0].line)
    findings += find_same_content(digests)
    findings += find_lone_speakers(rows)
    return Check(len(rows), len({row.utterance.speaker for row in rows}), _in_order(findings))


def _read_rows(manifest: FilePath) -> list[Row]:
    folder = Path(manifest).absolute().parent
    rows = []
    for line, utterance in number_utterances(manifest):
        path = utterance.path
        shown = path.relative_to(folder) if path.is_relative_to(folder) else path
        rows.append(Row(line, utterance, str(shown)))
    return rows


def _examine_all(
    files: Sequence[Sequence[Row]], quick: bool
) -> Generator[tuple[Sequence[Row], Examined], None, None]:
    stop = Event()
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        try:
            for first in range(0, len(files), BATCH):
                batch = files[first : first + BATCH]
                yield from zip(batch, pool.map(partial(examine, quick=quick, stop=stop), batch), strict=True)
        finally:  # an interrupt need not wait for a file of many stretches
            stop.set()


def _in_order(findings: list[Finding]) -> list[Finding]:
    order = {kind: place for place, kind in enumerate(Kind)}
    return sorted(findings, key=lambda finding: (order[finding.kind], finding.row.line))
