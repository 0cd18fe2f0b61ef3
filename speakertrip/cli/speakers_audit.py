"""``speakertrip speakers audit``."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from speakertrip.cli.options import json_option, print_json, store_options
from speakertrip.cli.stores import StoreOptions
from speakertrip.errors import UsageError

if TYPE_CHECKING:
    from speakertrip.enrollment import Event

TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
SHORT = 12  # digits of a model's identity that are shown


@click.command()
@click.option("--on/--off", "on", default=None, help="Begin or end to record; what was recorded stays.")
@click.option(
    "--since", type=click.DateTime(TIMES), metavar="TIME", help="Events from then on; UTC unless it says."
)
@store_options
@json_option
def audit(on: bool | None, since: datetime | None, store: StoreOptions, as_json: bool) -> None:
    """List what was done with the profiles of a store, oldest first, if its log is on: when, what, with whose.

    Whose is the random identifier of a profile, which "show" says; it stays when the speaker is renamed or removed.
    Verifications and identifications are listed with what was decided. While the log is on, they need to write to
    the store, and fail with 7 where they cannot.
    """
    if on is not None and since:
        raise UsageError("--since goes with the list, not with --on or --off.")
    opened = store.open_there()
    if on is not None:
        opened.audit.switch(on)
        click.echo(f"{opened.path}: the audit log is {'on' if on else 'off'}")
        return
    for event in opened.audit.events(_utc(since) if since else ""):
        if as_json:
            print_json(_facts(event))
        else:
            click.echo(_line(event))
    if not opened.audit.is_on():
        click.echo("The audit log is off; --on begins to record.", err=True)


def _utc(time: datetime) -> str:
    there = time.astimezone(timezone.utc) if time.tzinfo else time
    return there.strftime("%Y-%m-%d %H:%M:%S")


def _decision(event: "Event") -> str | None:
    return None if event.accepted is None else "accepted" if event.accepted else "rejected"


def _facts(event: "Event") -> dict[str, object]:
    numbers = {"score": event.score, "llr": event.llr, "threshold": event.threshold}
    whose = {"action": event.action, "profile": event.profile, "model": event.model}
    return {"time": event.time, **whose, **numbers, "decision": _decision(event)}


def _line(event: "Event") -> str:
    parts = [f"{event.time}  {event.action}"]
    if event.profile:
        parts.append(event.profile)
    elif event.action == "identify":
        parts.append("somebody who is not there any more" if event.accepted else "nobody")
    if event.model:
        parts.append(f"model {event.model[:SHORT]}")
    if event.score is not None:
        score = (
            f"{'score' if event.llr is None else 'LLR'} {event.score:.4f}, threshold {event.threshold:.4f}"
        )
        parts.append(f"{_decision(event)} ({score})")
    return "  ".join(parts)
