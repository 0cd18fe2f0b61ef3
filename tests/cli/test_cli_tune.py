"""``speakertrip tune`` as a user runs it."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from tiny_recipe import TINY_ENCODER

from speakertrip.cli import run
from speakertrip.config import read_config
from speakertrip.corpora.synthetic import write_synthetic_corpus

pytest.importorskip("optuna")
CONFIG = f"""
seed = 1
{TINY_ENCODER}
[data]
crop_seconds = 0.6
[batch]
speakers = 4
utterances = 2
[optimizer]
steps = 100_000
warmup_steps = 2
[validation]
speakers = 3
every = 50_000
nontargets = 50
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    write_synthetic_corpus(folder / "data", train_speakers=9, test_speakers=2, utterances=2, seconds=1.0)
    (folder / "config.toml").write_text(CONFIG)
    (folder / "space.toml").write_text("utterances = [2, 4]\nmargin = [0.1, 1.0]\n")
    return folder


def arguments(place, out, *more):
    space = f"{place}/space.toml"
    needed = ["--data", f"{place}/data", "--out", f"{place}/{out}", "--space", space, "--threads", "1"]
    return ["tune", f"{place}/config.toml", *needed, *more]


def start(*words):
    command = [sys.executable, "-m", "speakertrip", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_an_interrupt_and_the_same_command_again(place):
    words = arguments(place, "out", "--trials", "2", "--jobs", "2", "--steps", "200")
    process = start(*words)
    runs = place / "out" / "trials"
    while len(list(runs.glob("*/metrics.jsonl"))) < 2:  # both train
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "running" in out
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert len(list(runs.glob("*/checkpoint.safetensors"))) == 2
    before = {path: path.read_bytes() for path in runs.glob("*/metrics.jsonl")}

    process = start(*words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(re.findall("trial [01] complete", err)) == sum(map(was_cut_off, before.values()))
    table = out.split("\n\n")[0].splitlines()[1:]
    assert sorted(line.split()[0] for line in table) == ["0", "1"]
    assert set(runs.glob("*/metrics.jsonl")) == before.keys()
    for path, lines in before.items():
        after = path.read_bytes()
        assert after.startswith(lines)  # times of steps and all: none was done again
        assert [json.loads(line)["step"] for line in after.splitlines()] == list(range(1, 201))


def was_cut_off(lines):
    return len(lines.splitlines()) < 200


def test_prints_a_table_and_leaves_a_configuration_to_train(place, capsys):
    assert run(arguments(place, "short", "--trials", "2", "--steps", "2")) == 0
    out, err = capsys.readouterr()
    table, sentences = out.split("\n\n")
    assert len(table.splitlines()) == 3
    assert "the best" in table.splitlines()[1]
    assert "3 speakers held out of training and of the choice of steps" in sentences
    assert "give 10 or more by validation.speakers" in sentences
    assert [line.split(":")[0] for line in err.splitlines()] == ["trial 0 complete", "trial 1 complete"]
    best = read_config(f"{place}/short/best.toml")
    assert best.optimizer.steps == 100_000
    assert 0.1 <= best.loss.margin.value <= 1.0
    assert run(arguments(place, "short", "--trials", "2", "--steps", "2", "--json")) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["trial"] for row in rows} == {0, 1}
    assert rows[0]["best"]
    assert rows[0]["margin"] == best.loss.margin.value


def test_no_option_names_a_dev_list_and_the_help_says_why(capsys):
    assert run(["tune", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "There is no option to judge on a dev list" in words
    assert not {"--dev", "--judges", "--manifest"} & set(words.split())


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--set", "loss.kind=aam-softmax"], 6, "begin with kind"),
        (["--set", "batch.speakers=99"], 6, "give other utterances by --space"),
        (["--set", "data.manifest=none.jsonl"], 6, "Cannot read the manifest"),
        (["--set", "validation.speakers=9"], 6, "Lower validation.speakers"),
        (["--space", "none.toml"], 6, "Cannot read the search space none.toml"),
        (["--trials", "0"], 2, "--trials"),
    ],
)
def test_what_cannot_be_searched_is_said_in_one_sentence(place, capsys, more, code, words):
    assert run(arguments(place, "bad", *more)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1
