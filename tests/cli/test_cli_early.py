"""What is refused before a model is loaded."""

import json
import subprocess
import sys

import pytest

RUN = """
import sys
from speakertrip.cli import run

code = run(sys.argv[1:])
sys.exit(99 if "torch" in sys.modules else code)
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder, speakertrip):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    write_speech(tmp_path / "0.wav", 0, 1.2)
    (tmp_path / "damaged.sqlite").write_text("This is no store of speakers.\n" * 100)
    (tmp_path / "empty").mkdir()
    assert speakertrip("enroll", "spk", "0.wav", "--model", bundle_folder)[0] == 0
    monkeypatch.setenv("SPEAKERTRIP_MODEL", "no-such-model")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["verify", "nobody", "0.wav"], 4, "No speaker named nobody is enrolled"),
        (["verify", "a\nb", "0.wav"], 2, "holds no control characters"),
        (["enroll", "a\nb", "0.wav"], 2, "holds no control characters"),
        (["verify", "spk", "0.wav", "--store", "none.sqlite"], 4, "There is no store none.sqlite"),
        (["identify", "0.wav", "--store", "none.sqlite"], 4, "There is no store none.sqlite"),
        (["verify", "spk", "0.wav", "--store", "damaged.sqlite"], 4, "damaged.sqlite"),
        (["identify", "0.wav", "--store", "damaged.sqlite"], 4, "damaged.sqlite"),
        (["enroll", "two", "0.wav", "--store", "damaged.sqlite"], 4, "damaged.sqlite"),
        (["enroll", "two", "0.wav", "none.wav"], 3, "Cannot read none.wav: there is no such file."),
        (["enroll", "two", "empty"], 3, "The folder empty holds no audio"),
        (["verify", "spk", "none.wav"], 3, "Cannot read none.wav: there is no such file."),
        (["verify", "--against", "none.wav", "0.wav"], 3, "Cannot read none.wav: there is no such file."),
        (["identify", "none.wav"], 3, "Cannot read none.wav: there is no such file."),
        (["embed", "none.wav"], 3, "Cannot read none.wav: there is no such file."),
        (["verify", "spk", "0.wav", "none.wav"], 5, "There is no bundle at no-such-model"),
    ],
)
def test_is_said_before_the_model_is_looked_for(speakertrip, words, code, message):
    found, out, err = speakertrip(*words)
    assert (found, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_each_probe_has_its_line(speakertrip):
    code, out, err = speakertrip("verify", "spk", "none.wav", "empty", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [row["probe"] for row in rows] == ["none.wav", "empty"]
    assert [row["error"] for row in rows] == err.splitlines()


def test_torch_is_not_imported_for_it():
    for words, code in ((["verify", "nobody", "0.wav"], 4), (["identify", "none.wav"], 3)):
        done = subprocess.run(
            [sys.executable, "-c", RUN, *words], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
