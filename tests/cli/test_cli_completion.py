import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.shell_completion import ShellComplete

from speakertrip.cli.main import speakertrip as group
from speakertrip.enrollment import Enrollment, SpeakerStore

FILES, FOLDERS = [("file", "")], [("dir", "")]


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for path, names in (("speakers.sqlite", ["ada", "adele", "bob"]), ("other.sqlite", ["eve"])):
        for name in names:
            row = Enrollment(np.ones(4, np.float32), "/a.wav", "", 1.0)
            SpeakerStore(path).add(name, "a1" * 32, [row])


def completed(*words: str, begun: str = "") -> list[tuple[str, str]]:
    complete = ShellComplete(group, {}, "speakertrip", "_SPEAKERTRIP_COMPLETE")
    return [(item.type, item.value) for item in complete.get_completions(list(words), begun)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid(speakertrip, shell):
    code, out, _ = speakertrip("completion", shell)
    assert code == 0
    assert f"_SPEAKERTRIP_COMPLETE={shell}_complete" in out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=out, text=True, check=True)


def test_other_shells(speakertrip):
    code, out, err = speakertrip("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'tcsh' is not one of" in err


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        (["verify"], "", ["ada", "adele", "bob"]),
        (["verify", "--store", "other.sqlite"], "", ["eve"]),
        (["enroll", "--add"], "ad", ["ada", "adele"]),
        (["speakers", "show"], "b", ["bob"]),
        (["speakers", "remove", "bob"], "a", ["ada", "adele"]),
        (["speakers", "rename"], "", ["ada", "adele", "bob"]),
        (["speakers", "export", "all.jsonl"], "", ["ada", "adele", "bob"]),
        (["speakers", "re-enroll"], "ade", ["adele"]),
        (["speakers", "show", "--store", "none.sqlite"], "", []),
        (["speakers", "show", "--store", "."], "", []),
    ],
)
def test_names(words, begun, expected):
    assert completed(*words, begun=begun) == [("plain", name) for name in expected]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["verify", "ada"], FILES),
        (["verify", "--against", "a.wav"], FILES),
        (["verify", "--against"], FILES),
        (["enroll", "ada"], FILES),
        (["identify"], FILES),
        (["embed"], FILES),
        (["identify", "--model"], FOLDERS),
        (["identify", "--store"], FILES),
    ],
)
def test_files(words, expected):
    assert completed(*words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("speakertrip ve", "verify"),
        ("speakertrip verify --aga", "--against"),
        ("speakertrip verify ada", "ada"),
    ],
)
def test_a_shell_asks_a_process_that_loads_no_torch(tmp_path, words, expected):
    script = "import sys, speakertrip.cli; sys.argv = ['speakertrip']; code = speakertrip.cli.run([]); "
    done = subprocess.run(
        [sys.executable, "-c", script + "sys.exit(code or 'torch' in sys.modules)"],
        env=os.environ
        | {
            "_SPEAKERTRIP_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"plain,{expected}\n" in done.stdout
