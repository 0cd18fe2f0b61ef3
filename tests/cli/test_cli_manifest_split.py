import json
import sys
from pathlib import Path

import pytest

from speakertrip.cli import run
from speakertrip.manifests import Utterance, read_manifest, write_manifest


@pytest.fixture
def manifest(tmp_path):
    rows = [
        Utterance(
            f"s{n}/{k}",
            tmp_path / f"s{n}/{k}.wav",
            f"s{n}",
            duration=9.0,
            sex="mf"[n % 2],
            extra={"corpus": "c"},
        )
        for k in range(2)
        for n in range(20)
    ]
    write_manifest(tmp_path / "all.jsonl", rows)
    return tmp_path / "all.jsonl"


def test_split(manifest, tmp_path, capsys):
    shares = ["--share", "train=4/5", "--share", "dev=0.1", "--share", "test=0.1"]
    arguments = ["manifest", "split", str(manifest), *shares, "--by", "sex, corpus", "--out"]
    assert run([*arguments, str(tmp_path / "new")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        f"{tmp_path}/new/manifest.train.jsonl: 16 speakers, 32 utterances (80.0% of all)",
        f"{tmp_path}/new/manifest.dev.jsonl: 2 speakers, 4 utterances (10.0% of all)",
        f"{tmp_path}/new/manifest.test.jsonl: 2 speakers, 4 utterances (10.0% of all)",
    ]
    parts = {
        name: read_manifest(tmp_path / f"new/manifest.{name}.jsonl") for name in ("train", "dev", "test")
    }
    assert sorted(u.id for part in parts.values() for u in part) == sorted(
        u.id for u in read_manifest(manifest)
    )
    assert {u.sex for u in parts["test"]} == {"m", "f"}
    assert all(row in read_manifest(manifest) for row in parts["train"])  # the paths still hold
    assert run([*arguments, str(tmp_path / "again"), "--seed", "0"]) == 0
    assert run([*arguments, str(tmp_path / "other"), "--seed", "1"]) == 0
    first, again, other = [
        (tmp_path / f"{f}/manifest.test.jsonl").read_text() for f in ("new", "again", "other")
    ]
    assert first == again != other


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "Missing option '--share'"),
        (["--share", "train"], 2, "--share train is not of the form NAME=SHARE"),
        (["--share", "train=1/0"], 2, "is not of the form NAME=SHARE"),
        (["--share", "train=nan"], 2, "is not of the form NAME=SHARE"),
        (["--share", "train=1e99999999"], 2, "is not of the form NAME=SHARE"),
        (["--share", "../x=1"], 2, "name the part by letters"),
        (["--share", "=1"], 2, "name the part by letters"),
        (["--share", "a=0.5", "--share", "a=0.5"], 2, "name the same part"),
        (["--share", "A=0.5", "--share", "a=0.5"], 2, "name the same part"),  # one file on many disks
        (["--share", "straße=0.5", "--share", "STRASSE=0.5"], 2, "name the same part"),
        (["--share", "a=0.5", "--share", "b=0.6"], 2, "1 together; they are"),
        (["--share", "a=1", "--seed", "-1"], 2, "is not in the range"),
        (["--share", "a=1", "--by", "accent"], 6, "has the key 'accent'"),
        (["--share", "a=0.99", "--share", "b=0.01"], 6, "'b' would have no speaker: 20 are too few"),
    ],
)
def test_where_it_cannot(manifest, tmp_path, capsys, options, code, message):
    assert run(["manifest", "split", str(manifest), "--out", str(tmp_path / "new"), *options]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_parts_that_cannot_be_written(manifest, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(["manifest", "split", str(manifest), "--share", "a=1", "--out", str(tmp_path / "file")]) == 7
    assert capsys.readouterr().err.startswith("Cannot write")


def test_the_manifest_is_not_overwritten(manifest, tmp_path, capsys):
    content = manifest.read_text()
    (tmp_path / "manifest.a.jsonl").write_text(content)
    assert (
        run(
            [
                "manifest",
                "split",
                str(tmp_path / "manifest.a.jsonl"),
                "--share",
                "a=1",
                "--out",
                str(tmp_path),
            ]
        )
        == 2
    )
    assert "would overwrite what is read" in capsys.readouterr().err
    assert (tmp_path / "manifest.a.jsonl").read_text() == content


def test_stats(manifest, tmp_path, capsys):
    assert run(["manifest", "stats", str(manifest), "--plot", str(tmp_path / "a.png")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    cells = [line.split() for line in out.splitlines()]
    assert cells[:3] == [["utterances", "40"], ["speakers", "20"], ["hours", "0.10"]]
    assert ["m", "20", "10", "0.05"] in cells
    assert ["seconds", "per", "utterance", *["9"] * 7] in cells
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert run(["manifest", "stats", str(manifest), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["utterances"], found["hours"], found["by"]["corpus"]["c"]["speakers"]) == (40, 0.1, 20)
    assert found["utterances_per_speaker"]["median"] == 2


def test_many_values_are_not_all_shown(tmp_path, capsys):
    rows = [Utterance(f"{n}", tmp_path / "a.wav", "s", language=f"l{n}") for n in range(40)]
    write_manifest(tmp_path / "m.jsonl", rows)
    assert run(["manifest", "stats", str(tmp_path / "m.jsonl")]) == 0
    out = capsys.readouterr().out
    assert "and 25 more; --json has all" in out
    assert "without a duration" in out


def test_a_picture_needs_matplotlib(manifest, tmp_path, capsys, monkeypatch):
    for name in [
        name for name in sys.modules if name.split(".")[0] == "matplotlib" or name.endswith(".plot")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(["manifest", "stats", str(manifest), "--plot", str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr() == (
        "",
        "A picture needs matplotlib: install the plot extra, speakertrip[plot].\n",
    )


@pytest.mark.parametrize(("target", "code"), [("all.jsonl", 2), (".", 7), ("all.jsonl/a.png", 7)])
def test_pictures_that_cannot_be_written(manifest, tmp_path, capsys, target, code):
    content = manifest.read_text()
    assert run(["manifest", "stats", str(manifest), "--plot", str(Path(tmp_path / target))]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert manifest.read_text() == content
