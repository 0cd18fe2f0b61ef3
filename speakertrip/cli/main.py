"""The group of verbs, and the one place where errors become exit codes."""

import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import click

from speakertrip import __version__
from speakertrip.cli.augment_preview import augment_preview
from speakertrip.cli.backend import backend
from speakertrip.cli.bundle import bundle
from speakertrip.cli.calibrate import calibrate
from speakertrip.cli.compare import compare
from speakertrip.cli.completion import completion
from speakertrip.cli.doctor import doctor
from speakertrip.cli.embed import embed
from speakertrip.cli.enroll import enroll
from speakertrip.cli.evaluate import evaluate
from speakertrip.cli.identify import identify
from speakertrip.cli.lines import one_line, sentence
from speakertrip.cli.manifest import manifest
from speakertrip.cli.notices import show_warnings
from speakertrip.cli.runs import runs
from speakertrip.cli.score import score
from speakertrip.cli.speakers import speakers
from speakertrip.cli.train import train
from speakertrip.cli.tune import tune
from speakertrip.cli.verify import verify
from speakertrip.errors import INTERRUPTED, SpeakertripError, StorageError, ToldElsewhereError

INTERNAL, USAGE = 70, 2
NO_MEMORY = re.compile(
    r"out of memory|n't allocate memory|not enough memory|ALLOC_FAILED|bad_alloc"
)  # torch's words


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def speakertrip() -> None:
    """Train, measure and use speaker verification.

    Exit codes: 0 done or accepted, 1 rejected or nobody, 2 usage, 3 bad audio, 4 unknown speaker or store, 5 model or
    bundle, 6 bad manifest, trials or configuration, 7 storage, 70 internal, 130 interrupted.

    There is no detection of replayed or synthetic speech.
    """


for verb in (
    manifest,
    augment_preview,
    train,
    tune,
    runs,
    backend,
    bundle,
    score,
    calibrate,
    evaluate,
    compare,
    embed,
    enroll,
    verify,
    identify,
    speakers,
    doctor,
    completion,
):
    speakertrip.add_command(verb)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; every error becomes one sentence on stderr."""
    try:
        if sys.stdout is None:
            raise StorageError("The standard output is closed; open it, or send it to /dev/null.")
        if sys.stderr is None:  # or the next file that is opened would be what compiled libraries print into
            sys.stderr = open(os.open(os.devnull, os.O_WRONLY), "w")  # noqa: PTH123, SIM115
        if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may be no text in the output's encoding
            sys.stdout.reconfigure(errors="backslashreplace")
        words = [word for word in arguments if word != "--debug"]  # wherever it stands
        with show_warnings():
            code = speakertrip.main(words, prog_name="speakertrip", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _explain(click.Abort())
    except SystemExit as error:  # click ends so after shell completion, and with 1 at a closed output
        return _explain(BrokenPipeError()) if error.code else 0
    except BaseException as error:  # a panic of a compiled library is no Exception
        if "--debug" in arguments:
            traceback.print_exc()
        return _explain(error)


def _explain(error: BaseException) -> int:
    if isinstance(error, ToldElsewhereError):
        return error.exit_code
    if isinstance(error, SpeakertripError):
        message, code = sentence(error), error.exit_code
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        message, code = error.format_message(), USAGE
    elif isinstance(error, click.ClickException):
        message, code = f"{error.format_message()} See --help.", USAGE
    elif isinstance(error, click.Abort):
        message, code = "Interrupted.", INTERRUPTED
    elif isinstance(error, BrokenPipeError):
        message, code = "The output was closed before all of it was written.", StorageError.exit_code
    elif isinstance(error, OSError):
        message, code = one_line(f"The system refused: {error}."), StorageError.exit_code
    elif isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and NO_MEMORY.search(str(error))):
        message, code = _out_of_memory(str(error)), INTERNAL
    else:
        message, code = f"Internal error: {error!r}; run again with --debug and report it.", INTERNAL
    with suppress(OSError):  # nobody can be told; the code still says it
        click.echo(message, err=True)
    return code


def _out_of_memory(said: str) -> str:
    """Say what needs less memory; torch has the same kinds of errors for a GPU."""
    where, instead = (
        ("The GPU is out", ", or take --device cpu")
        if re.search("CUDA|CU[A-Z]+_|HIP|MPS", said)
        else ("Out", "")
    )
    return (
        f"{where} of memory; in training set compute.micro_batch, or lower batch.speakers, data.crop_seconds or "
        f"loss.memory.size, else give shorter audio{instead}."
    )
