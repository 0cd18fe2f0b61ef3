"""What is said on stderr while a verb works: progress, and warnings of one sentence each."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from speakertrip.cli.lines import one_line
from speakertrip.errors import SpeakertripWarning


def say(text: str) -> None:
    """Print on stderr; where it is full or closed nobody can be told, which is no reason to end a training."""
    with suppress(OSError):
        click.echo(text, err=True)


@contextmanager
def show_warnings() -> Iterator[None]:
    """Print each text that the package warns of once, without the place in the code."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *place: object) -> None:
        if not issubclass(category, SpeakertripWarning):
            show_others(message, category, *place)  # type: ignore[arg-type]
        elif str(message) not in seen:
            seen.add(str(message))
            say(one_line(message))

    with warnings.catch_warnings():
        show_others, warnings.showwarning = warnings.showwarning, show  # type: ignore[assignment]
        warnings.simplefilter("always", SpeakertripWarning)
        yield
