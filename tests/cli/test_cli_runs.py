"""``speakertrip runs`` as a user runs it, on a run that was trained and on ones that are damaged."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_recipe import TINY_ENCODER

from speakertrip.cli import run
from speakertrip.corpora.synthetic import write_synthetic_corpus

CONFIG = f"""
seed = 1
{TINY_ENCODER}
[data]
crop_seconds = 0.8
[batch]
speakers = 6
utterances = 2
[optimizer]
steps = 4
[validation]
speakers = 3
every = 2
nontargets = 50
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two runs of different margins, and one that was cut short by hand."""
    place = tmp_path_factory.mktemp("runs")
    write_synthetic_corpus(place / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.2)
    (place / "config.toml").write_text(CONFIG)
    for name, margin in (("small margin", "0.1"), ("large", "0.5")):
        more = ["--set", f"loss.margin={margin}", "--threads", "1"]
        train = ["train", f"{place}/config.toml", "--data", f"{place}/data", "--out", f"{place}/all/{name}"]
        assert run([*train, *more]) == 0
    torn = place / "all" / "torn"
    shutil.copytree(place / "all" / "large", torn)
    lines = (torn / "metrics.jsonl").read_text().splitlines()
    (torn / "metrics.jsonl").write_text("\n".join([*lines[:2], lines[2][:20]]))
    (torn / "config.json").unlink()
    return place / "all"


def call(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "speakertrip", "runs", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_shows_every_run_and_what_is_wrong(folder):
    done = call("list", folder)
    assert (done.returncode, done.stderr) == (0, "")
    header, *lines = done.stdout.splitlines()
    assert header.split()[:4] == ["run", "state", "step", "loss"]
    by_name = {line.split("  ")[0]: line for line in lines}
    assert by_name.keys() == {"small margin", "large", "torn"}
    assert "finished" in by_name["large"]
    assert "4/4" in by_name["large"]
    assert "[" in by_name["large"]
    assert "2/-" in by_name["torn"]
    assert "config.json: No such file" in by_name["torn"]
    assert "metrics.jsonl has 1 line that cannot be read" in by_name["torn"]


def test_list_as_json(folder, capsys):
    assert run(["runs", "list", str(folder), "--json"]) == 0
    found = {row["run"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    large = found[f"{folder}/large"]
    rows = [json.loads(line) for line in (folder / "large" / "metrics.jsonl").read_text().splitlines()]
    best = min((row for row in rows if "validation_eer" in row), key=lambda row: row["validation_eer"])
    assert large["validation_eer"] == best["validation_eer"]
    assert large["validation_eer_interval"] == best["validation_eer_interval"]
    assert large["latest"]["loss_over_margin"] == rows[-1]["loss_over_margin"]
    assert large["began"].endswith("+00:00")


def test_compare_shows_what_differs_and_draws_it(folder, tmp_path):
    done = call("compare", folder / "small margin", folder / "large", "--plot", tmp_path / "both.png")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    differing = lines[1 : lines.index("")]
    assert [line.split() for line in differing] == [["loss.margin.value", "0.1", "0.5"]]
    assert any(line.startswith("best validation EER, %") for line in lines)
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_compare_as_json(folder, capsys):
    assert run(["runs", "compare", f"{folder}/small margin", f"{folder}/large", "--json"]) == 0
    one, other = map(json.loads, capsys.readouterr().out.splitlines())
    assert (one["differs"], other["differs"]) == ({"loss.margin.value": 0.1}, {"loss.margin.value": 0.5})


def test_show_says_how_a_run_does_and_draws_it(folder, tmp_path, capsys):
    assert run(["runs", "show", f"{folder}/large", "--plot", str(tmp_path / "one.png")]) == 0
    out = capsys.readouterr().out
    for name in (
        "state",
        "minDCF(0.05)",
        "loss over margin",
        "active",
        "spread",
        "waiting",
        "memory gib",
        "device",
    ):
        assert any(line.startswith(name + " ") for line in out.splitlines()), name
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert run(["runs", "show", f"{folder}/torn", "--plot", str(tmp_path / "one.png"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["starts"]) == 1
    assert shown["problems"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["list", "nowhere"], 2, "There is no folder nowhere"),
        (["show", "nowhere"], 2, "nowhere is no run"),
        (["compare", "large"], 2, "Name two runs or more"),
        (["show", "large", "--plot", "large/metrics.jsonl"], 2, "give one that ends in .png"),
        (["show", "large", "--plot", ""], 2, "--plot '' is no name of a picture"),
        (["show", "large", "--plot", "-"], 2, "--plot '-' is no name of a picture"),
        (["show", "large", "--plot", "note.png"], 2, "would overwrite what is no picture"),
        (["compare", "large", "small margin", "--plot", "note.png"], 2, "would overwrite what is no picture"),
        (["show", "large", "--plot", "large"], 7, "it is a folder"),
    ],
)
def test_what_cannot_be_done_is_said(folder, capsys, monkeypatch, arguments, code, words):
    monkeypatch.chdir(folder)
    Path("note.png").write_text("no picture")
    before = Path("large/metrics.jsonl").read_bytes()
    assert run(["runs", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert Path("note.png").read_text() == "no picture"
    assert Path("large/metrics.jsonl").read_bytes() == before
    assert not Path("-").exists()
