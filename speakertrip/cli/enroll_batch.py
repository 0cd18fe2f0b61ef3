"""``speakertrip enroll --manifest``: every speaker of a manifest, or every model of an enrollment map."""

from typing import TYPE_CHECKING

import click

from speakertrip.cli.decisions import answer_each
from speakertrip.cli.options import print_json, progress_bar
from speakertrip.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speakertrip.enrollment import EnrollMode
    from speakertrip.manifests import Utterance
    from speakertrip.verifier import SpeakerVerifier


def read_groups(manifest: str, enrollments: str | None) -> "Mapping[str, Sequence[Utterance]]":
    """Read who is to be enrolled, and from which utterances.

    Raises:
        DataError: a file cannot be read or is malformed, or a model mixes speakers or names what is not there.
        UsageError: the name of a speaker or model cannot be enrolled.
    """
    from speakertrip.manifests import read_enrollment_map, read_manifest
    from speakertrip.verifier import group_by_speaker

    models = read_enrollment_map(enrollments) if enrollments else None
    return group_by_speaker(read_manifest(manifest), models)


def enroll_groups(
    verifier: "SpeakerVerifier",
    groups: "Mapping[str, Sequence[Utterance]]",
    mode: "EnrollMode",
    as_json: bool,
) -> int:
    """Enroll speaker after speaker, print a line for each, and return the exit code: the highest of theirs."""
    from speakertrip.verifier import enroll_utterances

    with progress_bar("speakers") as advance, verifier.store.database.erasing_once():

        def answer(name: str) -> int:
            try:
                done = enroll_utterances(verifier, name, groups[name], mode)
            finally:
                advance(1, len(groups))
            rows = done.profile.enrollments
            seconds = sum(each.seconds for each in rows)
            if as_json:
                facts = {"utterances": len(rows), "seconds": round(seconds, 3), "added": done.added}
                print_json({"name": name, **facts})
            else:
                before = "" if done.added else ", enrolled before"
                click.echo(f"{name}: {counted(len(rows), 'utterance')}, {seconds:.1f} s{before}")
            return 0

        return answer_each(list(groups), as_json, answer, key="name")
