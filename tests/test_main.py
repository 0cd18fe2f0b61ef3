"""The entry point within a process; tests/cli/test_cli_exit_codes.py has whole processes."""

import sys

import pytest

from speakertrip import __main__, cli


class Panic(BaseException):
    """As compiled libraries raise: no Exception."""


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_code_of_the_command_line_is_that_of_the_process(monkeypatch, code):
    monkeypatch.setattr(cli, "run", lambda arguments: code)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (ImportError("x"), 70), (SystemExit(1), 70), (Panic(), 70)],
)
def test_no_failure_is_a_rejection(monkeypatch, capsys, error, code):
    def fail(arguments):
        raise error

    monkeypatch.setattr(cli, "run", fail)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == code
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", int(code == 70))


def test_no_stderr(monkeypatch):
    monkeypatch.setattr(cli, "run", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 70
