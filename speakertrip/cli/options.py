"""Options that several verbs share, their JSON, and standard input as a file."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from speakertrip.errors import AudioError, UsageError, counted

if TYPE_CHECKING:
    from speakertrip.audio import AudioSource
    from speakertrip.manifests import Utterance

Verb = TypeVar("Verb", bound=Callable[..., Any])


revision_option = click.option(
    "--revision", metavar="REVISION", help="Branch, tag or commit of a model of the hub."
)


def _model_option(required: bool) -> Callable[[Verb], Verb]:
    """Return a decorator that adds ``--model`` and ``--revision``."""
    model = click.option(
        "--model",
        envvar="SPEAKERTRIP_MODEL",
        required=required,
        show_envvar=True,
        metavar="MODEL",
        help="Bundle directory, or ORG/NAME of the Hugging Face hub.",
    )
    return lambda verb: model(revision_option(verb))


model_option, optional_model_option = _model_option(True), _model_option(False)
store_option = click.option(
    "--store",
    envvar="SPEAKERTRIP_STORE",
    show_envvar=True,
    metavar="FILE",
    help="Store of enrolled speakers  [default: in your data folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


def print_json(entries: Mapping[str, Any]) -> None:
    r"""Print an object on one line of ASCII.

    A byte of a file's name that is not UTF-8 stands as an escape, ``\udc80`` to ``\udcff``, so that the line is text
    for every reader, and ``os.fsencode`` of what ``json.loads`` reads is the name again.
    """
    click.echo(json.dumps(entries, ensure_ascii=True))


class Prior(click.FloatRange):
    """A probability between 0 and 1, and neither; not NaN, which a range lets through."""

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


class Finite(click.FloatRange):
    """A number that is neither infinite nor NaN, by which everybody or nobody would be accepted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


threshold_option = click.option(
    "--threshold", type=Finite(), metavar="SCORE", help="Accept at or above it  [default: the model's]"
)


def in_words(utterances: Sequence["Utterance"]) -> str:
    """Count utterances and their speakers."""
    speakers = len({utterance.speaker for utterance in utterances})
    return f"{counted(len(utterances), 'utterance')} of {counted(speakers, 'speaker')}"


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


def speech_options(needed: float) -> Callable[[Verb], Verb]:
    """Return a decorator that adds ``--vad`` and ``--min-speech``, whose default is the seconds that are needed."""
    detector = click.option(
        "--vad",
        type=click.Choice(["energy", "silero", "none"]),
        default="energy",
        show_default=True,
        help="What detects speech; silero needs the extra of that name.",
    )
    least = click.option(
        "--min-speech",
        type=click.FloatRange(0),
        default=needed,
        show_default=True,
        metavar="SECONDS",
        help="Speech that is needed.",
    )
    return lambda verb: detector(least(verb))


def require_one_stdin(files: Sequence[str]) -> None:
    """Check that at most one of the files is ``-``.

    Raises:
        UsageError: there are more.
    """
    if files.count("-") > 1:
        raise UsageError("Standard input (-) can be read once in a call; name files for the rest.")


def audio_source(file: str) -> "AudioSource":
    """Return what a file on the command line stands for; ``-`` is standard input, which is read here.

    Raises:
        AudioError: standard input is closed, too long, or cannot be read.
    """
    if file != "-":
        return file
    from speakertrip.audio import read_stream

    if sys.stdin is None:
        raise AudioError("Standard input is closed; name a file instead of -.")
    return read_stream(sys.stdin.buffer, "Standard input")


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr, on a terminal only; yields ``advance(count, total=None)``."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", leave=False, disable=None) as bar:

        def advance(count: int, total: int | None = None) -> None:
            bar.total = total
            bar.update(count)

        yield advance
