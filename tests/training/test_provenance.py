import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch

import speakertrip
from speakertrip.corpora import split_speakers
from speakertrip.errors import SpeakertripWarning
from speakertrip.manifests import Utterance
from speakertrip.training import train
from speakertrip.training.provenance import checkout_of, provenance


def git(folder, *words):
    subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-C", folder, *words],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tmp_path):
    package = tmp_path / "checkout" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git(package.parent, "init")
    git(package.parent, "add", "package")
    git(package.parent, "commit", "-m", "Begin")
    return package


def test_a_checkout_is_named_with_a_mark_of_its_changes(checkout, monkeypatch):
    commit, changed = checkout_of(checkout)
    assert len(commit) == 40
    assert not changed
    (checkout / "new.py").write_text("")  # a file that git does not know is no change of the package
    assert checkout_of(checkout) == (commit, False)
    (checkout / "__init__.py").write_text("changed = True")
    assert checkout_of(checkout) == (commit, True)
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as a hook of git sets it
    assert checkout_of(checkout) == (commit, True)


def test_no_checkout_is_no_fault(checkout, tmp_path, monkeypatch):
    installed = checkout.parent / "venv" / "site-packages" / "package"  # below the checkout of something else
    installed.mkdir(parents=True)
    empty = tmp_path / "empty" / "package"
    empty.mkdir(parents=True)
    git(empty.parent, "init")  # no commit yet
    broken = tmp_path / "broken" / "package"
    broken.mkdir(parents=True)
    (broken.parent / ".git").write_text("gitdir: /nowhere")
    for package in (installed, empty, broken):
        assert checkout_of(package) == (None, False)
    monkeypatch.setenv("PATH", "/nowhere")  # no git
    assert checkout_of(checkout) == (None, False)


def make(step, folder):
    kept = [Utterance(str(n), Path("a.wav"), f"s{n // 2}") for n in range(4)]
    made = provenance(step, 5, folder / "m.jsonl", "ab", kept, kept[:1], torch.device("cpu"), 2, "")
    made.append_to(folder)
    return made


def test_a_start_is_added_to_the_ones_before(tmp_path):
    make(0, tmp_path)
    make(0, tmp_path)  # a run that begins anew
    make(7, tmp_path)
    starts = json.loads((tmp_path / "run.json").read_text())["starts"]
    assert [start["step"] for start in starts] == [0, 7]
    assert starts[1]["training"] == {"utterances": 4, "speakers": 2}
    assert starts[1]["validation"] == {"utterances": 1, "speakers": 1}
    assert (starts[1]["seed"], starts[1]["processes"], starts[1]["device"]) == (5, 2, "cpu")


def test_of_a_run_from_before_there_was_the_file_nothing_is_said(tmp_path):
    make(3, tmp_path)
    assert [start["step"] for start in json.loads((tmp_path / "run.json").read_text())["starts"]] == [3]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"starts": 3}', '{"began": 1}', "\ud83d"])
def test_a_damaged_file_is_begun_anew_and_kept(tmp_path, content):
    damaged = content.encode("utf-8", "surrogatepass")
    (tmp_path / "run.json").write_bytes(damaged)
    with pytest.warns(
        SpeakertripWarning, match=r"run\.json cannot be read: it is kept as run\.json\.damaged"
    ):
        make(3, tmp_path)
    assert (tmp_path / "run.json.damaged").read_bytes() == damaged
    assert [start["step"] for start in json.loads((tmp_path / "run.json").read_text())["starts"]] == [3]


def test_a_run_says_what_made_it(config, corpus, utterances, tmp_path):
    def interrupt(record):
        if record.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    run = tmp_path / "run"
    train(config, corpus, run, on_record=interrupt)
    train(config, corpus, run, resume=True)
    assert not {"pictures", "tensorboard"} & {
        path.name for path in run.iterdir()
    }  # unless they are asked for
    first, second = json.loads((run / "run.json").read_text())["starts"]
    assert (first["step"], second["step"]) == (0, 2)
    assert first["sha256"] == hashlib.sha256((corpus / "manifest.train.jsonl").read_bytes()).hexdigest()
    kept, held = split_speakers(utterances, 3, config.seed)
    assert first["training"] == {"utterances": len(kept), "speakers": 7}
    assert first["validation"] == {"utterances": len(held), "speakers": 3}
    assert first["version"] == speakertrip.__version__
    assert (first["torch"], first["processes"], first["seed"]) == (torch.__version__, 1, config.seed)
    words = f"speakertrip {speakertrip.__version__}"
    if first["commit"]:
        words += f" (commit {first['commit'][:12]}"
    assert words in (run / "bundle" / "README.md").read_text()
