import json
import subprocess
import sys

import pytest

from speakertrip.cli import run
from speakertrip.cli.manifest_interchange import NAMES
from speakertrip.corpora.interchange import FORMATS
from speakertrip.manifests import Utterance, read_manifest, write_manifest

TARGETS = {"kaldi": "data", "lhotse-supervisions": "data", "lhotse-cuts": "cuts.jsonl.gz"}


@pytest.fixture
def manifest(tmp_path, write_tree):
    write_tree(tmp_path, ["wav/s1/1.wav", "wav/s2/語 2.flac"])
    path = tmp_path / "manifest.jsonl"
    rows = [
        Utterance("s1/1", tmp_path / "wav/s1/1.wav", "s1", start=0.1, duration=0.25, sex="f", language="en"),
        Utterance(
            "s2/2",
            tmp_path / "wav/s2/語 2.flac",
            "s2",
            duration=0.5,
            sex="m",
            language="fa",
            extra={"b": [1]},
        ),
    ]
    write_manifest(path, rows)
    return path


def test_the_command_knows_every_format():
    assert tuple(FORMATS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_out_and_in(tmp_path, manifest, capsys, name):
    target = tmp_path / "out" / TARGETS.get(name, "list")
    assert run(["manifest", "export", name, str(manifest), "--out", str(target)]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout == f"{target}: 2 utterances of 2 speakers\n"
    assert (
        stderr.count("\n")
        == stderr.count("has no place for b.")
        == (name in ("kaldi", "3d-speaker", "speechbrain"))
    )
    back = tmp_path / "back.jsonl"
    assert run(["manifest", "import", name, str(target), "--out", str(back)]) == 0
    assert capsys.readouterr() == (f"{back}: 2 utterances of 2 speakers\n", "")
    for mine, row in zip(read_manifest(back), read_manifest(manifest), strict=True):
        assert (mine.id, mine.path, mine.speaker, mine.start) == (row.id, row.path, row.speaker, row.start)
        assert (mine.duration, mine.sex, mine.language) == (row.duration, row.sex, row.language)
    # Audio below the manifest is named relative to it.
    assert json.loads(back.read_text().splitlines()[0])["path"] == "wav/s1/1.wav"


def test_from_the_shell(tmp_path, manifest):
    def call(*arguments):
        words = [sys.executable, "-m", "speakertrip", "manifest", *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    exported = call("export", "kaldi", manifest, "--out", tmp_path / "data")
    assert (exported.returncode, exported.stderr) == (0, "Kaldi has no place for b.\n")
    (tmp_path / "data/wav.scp").write_text("s1/1 sox 1.mp3 -t wav - |\ns2/2 /b.wav\n")
    imported = call("import", "kaldi", tmp_path / "data", "--out", tmp_path / "m.jsonl")
    assert (imported.returncode, imported.stdout) == (6, "")
    assert imported.stderr == (
        f"{tmp_path}/data/wav.scp, line 1: 'sox 1.mp3 -t wav - |' is a command, and commands are never run; "
        "write its output to a file and name that.\n"
    )
    assert not (tmp_path / "m.jsonl").exists()


def test_data_root(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("ID,duration,wav,spk_id\nu,2.5,$data_root/a.wav,s\n")
    words = ["manifest", "import", "speechbrain", str(tmp_path / "a.csv"), "--out", str(tmp_path / "m.jsonl")]
    assert run(words) == 6
    assert "only --data-root can tell" in capsys.readouterr().err
    assert run([*words, "--data-root", "/corpus"]) == 0
    (row,) = read_manifest(tmp_path / "m.jsonl")
    assert (str(row.path), row.duration) == ("/corpus/a.wav", 2.5)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["export", "kaldi", "m.jsonl", "--out", "m.jsonl"], 2, "The source and --out are both m.jsonl"),
        (["import", "nemo", "m.jsonl", "--out", "./m.jsonl"], 2, "The source and --out are both m.jsonl"),
        (["export", "espnet", "m.jsonl", "--out", "x"], 2, "'espnet' is not one of '3d-speaker'"),
        (["export", "lhotse-cuts", "manifest.jsonl", "--out", "x"], 2, "Lhotse reads .jsonl and .jsonl.gz"),
        (["export", "nemo", "absent.jsonl", "--out", "x"], 6, "Cannot read the manifest absent.jsonl"),
        (["import", "nemo", "absent.json", "--out", "x"], 6, "Cannot read the NeMo manifest absent.json"),
        (["export", "nemo", "gone.jsonl", "--out", "x"], 3, "gone.wav: there is no such file"),
        (["export", "nemo", "manifest.jsonl", "--out", "manifest.jsonl/x"], 7, "Cannot write"),
    ],
)
def test_where_it_cannot(tmp_path, manifest, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(tmp_path)
    write_manifest("gone.jsonl", [Utterance("a", tmp_path / "gone.wav", "s")])
    assert run(["manifest", *words]) == code
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert message in stderr
    assert len(stderr.splitlines()) == 1
