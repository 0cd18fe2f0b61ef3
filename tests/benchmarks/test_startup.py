"""A run that failed is not timed as a good one."""

import pytest

from benchmarks.startup import run

KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(
    ("script", "good", "code"),
    [("raise SystemExit(1)", (0,), 1), ("raise SystemExit(2)", (0, 1), 2), (KILLED, (0, 1), -9)],
)
def test_what_failed_ends_the_measurement(script, good, code):
    with pytest.raises(SystemExit, match=rf"^python -c '.*' ended with {code}\.$"):
        run(["-c", script], good)


def test_what_is_rejected_is_an_answer():
    assert run(["-c", "raise SystemExit(1)"], (0, 1)).wall > 0
