"""Options that several verbs share, their JSON, and their progress bar."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from speakertrip.cli.completion import complete_files, complete_folders
from speakertrip.cli.gathering import Verb, gathered
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.stores import StoreOptions
from speakertrip.errors import counted

if TYPE_CHECKING:
    from speakertrip.manifests import Utterance

revision_option = click.option(
    "--revision", metavar="REVISION", help="Branch, tag or commit of a model of the hub."
)


def model_options(verb: Verb) -> Verb:
    """Add ``--model`` and ``--revision``, as ``model``."""
    model = click.option(
        "--model",
        envvar="SPEAKERTRIP_MODEL",
        show_envvar=True,
        metavar="MODEL",
        shell_complete=complete_folders,
        help="Bundle directory, or ORG/NAME of the Hugging Face hub  [default: the one that ships with speakertrip]",
    )
    return model(revision_option(gathered(ModelOptions, "model")(verb)))


def store_options(verb: Verb) -> Verb:
    """Add ``--store`` and ``--key-file``, as ``store``."""
    store = click.option(
        "--store",
        envvar="SPEAKERTRIP_STORE",
        show_envvar=True,
        metavar="FILE",
        shell_complete=complete_files,
        help="Store of enrolled speakers  [default: in your data folder]",
    )
    key = click.option(
        "--key-file",
        envvar="SPEAKERTRIP_KEY_FILE",
        show_envvar=True,
        metavar="FILE",
        shell_complete=complete_files,
        help="Key of an encrypted store; keyring:NAME: in the system's keyring  [default: what SPEAKERTRIP_KEY holds]",
    )
    return store(key(gathered(StoreOptions, "store")(verb)))


scoring_option = click.option(
    "--scoring",
    type=click.Choice(["mean", "best"]),
    default="mean",
    show_default=True,
    help="Score a speaker by the mean of their utterances, or by the best of them, which accepts strangers more often "
    "than --far says.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


def print_json(entries: Mapping[str, Any]) -> None:
    r"""Print an object on one line of ASCII.

    A byte of a file's name that is not UTF-8 stands as an escape, ``\udc80`` to ``\udcff``, so that the line is text
    for every reader, and ``os.fsencode`` of what ``json.loads`` reads is the name again.
    """
    click.echo(json.dumps(entries, ensure_ascii=True))


def in_words(utterances: Sequence["Utterance"]) -> str:
    """Count utterances and their speakers."""
    speakers = len({utterance.speaker for utterance in utterances})
    return f"{counted(len(utterances), 'utterance')} of {counted(speakers, 'speaker')}"


def device_options(verb: Verb) -> Verb:
    """Add ``--device`` and ``--threads``, as ``device``."""
    device = click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True
    )
    threads = click.option(
        "--threads",
        type=click.IntRange(1, 256),
        help="CPU threads  [default: one for less than half a minute of audio, else all]",
    )
    return device(threads(gathered(DeviceOptions, "device")(verb)))


@contextmanager
def progress_bar(unit: str, shown: bool = True) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr, on a terminal only; yields ``advance(count, total=None)``."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", leave=False, disable=None if shown else True) as bar:

        def advance(count: int, total: int | None = None) -> None:
            bar.total = total
            bar.update(count)

        yield advance
