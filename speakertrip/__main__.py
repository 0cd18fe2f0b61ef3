"""The entry point of ``speakertrip`` and ``python -m speakertrip``: no failure may look like "rejected" (1)."""

import os
import sys
from contextlib import suppress
from typing import TextIO


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from speakertrip.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:  # a failed import too: Python itself would exit with 1
        code = 70
        with suppress(AttributeError, OSError):  # no stderr, or a full one
            sys.stderr.write(f"speakertrip: cannot start: {error!r}; install it again.\n")
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream:
            _settle(stream)
    sys.exit(code)


def _settle(stream: TextIO) -> None:
    """Drop what a closed or full output cannot take: at exit the interpreter would fail on it, with 120."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
