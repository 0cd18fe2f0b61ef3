from collections.abc import Callable

import pytest

from speakertrip.cli import run


@pytest.fixture
def speakertrip(capsys) -> Callable[..., tuple[int, str, str]]:
    """Return ``speakertrip(*arguments)``: the exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call
