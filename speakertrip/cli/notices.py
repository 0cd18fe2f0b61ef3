"""Warnings on a command line: one sentence each on stderr."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from speakertrip.errors import SpeakertripWarning


@contextmanager
def show_warnings() -> Iterator[None]:
    """Print each text that the package warns of once, without the place in the code."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *place: object) -> None:
        if not issubclass(category, SpeakertripWarning):
            show_others(message, category, *place)  # type: ignore[arg-type]
        elif str(message) not in seen:
            seen.add(str(message))
            click.echo(str(message), err=True)

    with warnings.catch_warnings():
        show_others, warnings.showwarning = warnings.showwarning, show  # type: ignore[assignment]
        warnings.simplefilter("always", SpeakertripWarning)
        yield
