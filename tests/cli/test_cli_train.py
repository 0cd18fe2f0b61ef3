"""``speakertrip train`` as a user runs it: progress on stderr, Ctrl-C saves, --resume goes on."""

import os
import signal
import subprocess
import sys

import pytest
from tiny_recipe import TINY_ENCODER

from speakertrip.bundle import Bundle
from speakertrip.cli import run
from speakertrip.cli.train import _lines
from speakertrip.config import OptimizerConfig, TrainConfig
from speakertrip.corpora.synthetic import write_synthetic_corpus
from speakertrip.training.record import StepRecord

CONFIG = f"""
seed = 1
{TINY_ENCODER}
[data]
crop_seconds = 0.8
[batch]
speakers = 6
utterances = 2
[optimizer]
steps = 12
[validation]
speakers = 3
every = 6
nontargets = 50
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    write_synthetic_corpus(folder / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.2)
    (folder / "config.toml").write_text(CONFIG)
    return folder


def arguments(place, run_name, *more):
    return ["train", f"{place}/config.toml", "--data", f"{place}/data", "--out", f"{place}/{run_name}", *more]


def test_prints_the_bundle_on_stdout_and_progress_on_stderr(place, capsys):
    assert run(arguments(place, "whole", "--threads", "1")) == 0
    out, err = capsys.readouterr()
    assert out == f"{place}/whole/bundle\n"
    lines = err.splitlines()
    assert [line.split()[1] for line in lines] == ["1/12", "6/12", "6/12", "10/12", "12/12", "12/12"]
    validated = [line for line in lines if "validation EER" in line]
    for word in ("loss/margin", "active", "batch EER", "utterances/s", "waiting", "GiB", "left"):
        assert [line for line in lines if word not in line] == validated, word
    assert all(word in validated[0] for word in ("[", "minDCF(0.01)", "minDCF(0.05)", "(best)"))
    assert max(map(len, lines)) < 140
    assert lines[-2].endswith("0:00:00 left")


def test_the_line_of_a_validation_says_how_long_there_was_no_gain(place, capsys):
    changes = ["optimizer.steps=60", "optimizer.lr=1e-7", "validation.every=1", "validation.patience=2"]
    options = [word for change in changes for word in ("--set", change)]
    assert run(arguments(place, "patient", "--threads", "1", *options)) == 0
    out, err = capsys.readouterr()
    assert out == f"{place}/patient/bundle\n"
    *before, last = [line for line in err.splitlines() if "validation EER" in line]
    assert last.endswith("no gain for 2 of 2  the run ends here")
    assert "no gain for 1 of 2" in before[-1]
    assert not any("ends here" in line for line in before)
    assert len(before) < 58


def test_a_run_is_not_overwritten(place, capsys):
    run(arguments(place, "twice", "--set", "optimizer.steps=1"))
    assert run(arguments(place, "twice")) == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "loss.margn=1"], "loss.margn: no such option"),
        (["--set", "data.manifest=none.jsonl"], "Cannot read the manifest"),
        (["--set", "batch.speakers=99"], "lower batch.speakers"),
        (["--set", "validation.speakers=8"], "Lower validation.speakers"),
    ],
)
def test_what_cannot_be_trained_exits_with_6(place, capsys, more, words):
    assert run(arguments(place, "bad", *more)) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_an_interrupt_saves_exits_with_130_and_can_be_resumed(place):
    command = [sys.executable, "-m", "speakertrip", *arguments(place, "cut", "--threads", "1")]
    process = subprocess.Popen(
        [*command, "--set", "optimizer.steps=100_000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not process.stderr.readline().startswith("step 10/"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "--resume" in err
    assert "Traceback" not in err
    assert Bundle.load(place / "cut" / "bundle").calibration.targets > 0
    stopped_at = len((place / "cut" / "metrics.jsonl").read_text().splitlines())
    assert stopped_at >= 10
    process = subprocess.Popen(
        [*command, "--set", "optimizer.steps=100_000", "--resume"], stderr=subprocess.PIPE, text=True
    )
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert int(first.split()[1].split("/")[0]) > stopped_at


def test_a_run_without_a_foreseeable_end_has_a_line_too():
    settings = TrainConfig(optimizer=OptimizerConfig(steps=10**9))
    (line,) = _lines(StepRecord(1, loss=1.0, lr=1e-3, utterances_per_second=1e-9), settings)
    assert line.endswith("999 days, 0:00:00 left")


def on_full_disk():
    return open("/dev/full", "w")  # noqa: PTH123


def on_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="descriptors are POSIX's")  # noqa: PTH110
@pytest.mark.parametrize("where", ["full", "a closed pipe", "closed"])
def test_a_training_goes_on_where_nothing_can_be_said(place, where):
    name = f"silent {where}"
    words = [sys.executable, "-m", "speakertrip", *arguments(place, name, "--threads", "1", "--resume")]
    if where == "closed":
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" 2>&-', "sh", *words], stdout=subprocess.PIPE, check=False
        )
    else:
        with on_full_disk() if where == "full" else on_closed_pipe() as stderr:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=stderr, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, f"{place}/{name}/bundle\n")
    assert (place / name / "metrics.jsonl").read_text().count("\n") == 12
