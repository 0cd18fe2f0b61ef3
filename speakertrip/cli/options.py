"""Options that several verbs share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

Verb = TypeVar("Verb", bound=Callable[..., Any])

model_option = click.option(
    "--model",
    envvar="SPEAKERTRIP_MODEL",
    required=True,
    show_envvar=True,
    metavar="BUNDLE",
    help="Bundle directory.",
)
store_option = click.option(
    "--store",
    envvar="SPEAKERTRIP_STORE",
    show_envvar=True,
    metavar="FILE",
    help="Store of enrolled speakers  [default: in your data folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


def device_options(verb: Verb) -> Verb:
    """Add ``--device`` and ``--threads``."""
    device = click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True
    )
    threads = click.option(
        "--threads",
        type=click.IntRange(1, 256),
        help="CPU threads  [default: one for less than half a minute of audio, else all]",
    )
    return device(threads(verb))


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr, on a terminal only; yields ``advance(count, total=None)``."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", leave=False, disable=None) as bar:

        def advance(count: int, total: int | None = None) -> None:
            bar.total = total
            bar.update(count)

        yield advance
