import pytest

from speakertrip.cli import run
from speakertrip.manifests import read_manifest, read_trials

NAMES = ["spk1/session/1.wav", "spk1/session/2.flac", "spk2/1.wav"]


def test_build(tmp_path, write_tree, capsys):
    write_tree(tmp_path / "audio", NAMES)
    assert run(["manifest", "build", str(tmp_path / "audio")]) == 0
    path = tmp_path / "audio" / "manifest.jsonl"
    assert capsys.readouterr() == (f"{path}: 3 utterances of 2 speakers\n", "")
    assert [utterance.id for utterance in read_manifest(path)] == NAMES
    assert (
        run(["manifest", "build", str(tmp_path / "audio"), "--out", str(tmp_path / "new" / "m.jsonl")]) == 0
    )
    assert read_manifest(tmp_path / "new" / "m.jsonl") == read_manifest(path)


@pytest.mark.parametrize(
    ("folder", "out", "code", "message"),
    [
        ("absent", None, 6, "Cannot read the folder"),
        ("empty", None, 6, "holds no audio"),
        ("flat", None, 6, "lies in no speaker folder"),
        ("text", None, 3, "1 of 2 audio files cannot be used (spk1/notes.wav)"),
        ("good", "good/spk1/a.wav/m.jsonl", 7, "Cannot write"),
        ("good", "/proc/m.jsonl", 7, "Cannot write"),
    ],
)
def test_build_where_it_cannot(tmp_path, write_tree, capsys, monkeypatch, folder, out, code, message):
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, ["flat/a.wav", "text/spk1/a.wav", "good/spk1/a.wav"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "text/spk1/notes.wav").write_text("This is no audio.")
    assert run(["manifest", "build", folder, *(["--out", out] if out else [])]) == code
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert message in stderr
    assert len(stderr.splitlines()) == 1
    assert not list(tmp_path.rglob("*.jsonl"))


def test_build_without_the_bad_files(tmp_path, write_tree, capsys):
    write_tree(tmp_path, NAMES)
    for number in range(4):
        (tmp_path / f"spk2/bad{number}.wav").write_text("This is no audio.")
    out = tmp_path / "m.jsonl"
    assert run(["manifest", "build", str(tmp_path), "--out", str(out)]) == 3
    assert "4 of 7 audio files cannot be used" in capsys.readouterr().err
    assert not out.exists()
    assert run(["manifest", "build", str(tmp_path), "--out", str(out), "--skip-bad"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout == f"{out}: 3 utterances of 2 speakers\n"
    *listed, count = stderr.splitlines()
    assert count == "4 of 7 audio files left out."
    assert [line.partition(" is not audio")[0] for line in listed] == [
        f"{tmp_path}/spk2/bad{number}.wav" for number in range(4)
    ]
    assert [row.id for row in read_manifest(out)] == NAMES


def test_build_of_one_file(tmp_path, write_tree, capsys):
    write_tree(tmp_path, ["spk/1.wav"])
    assert run(["manifest", "build", str(tmp_path), "--skip-bad"]) == 0
    assert capsys.readouterr() == (f"{tmp_path}/manifest.jsonl: 1 utterance of 1 speaker\n", "")


def test_synthetic(tmp_path, capsys):
    options = ["--train-speakers", "1", "--test-speakers", "2", "--seed", "3"]
    assert run(["manifest", "synthetic", str(tmp_path), *options]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path}: manifest.train.jsonl, manifest.test.jsonl, trials.test.txt\n"
    assert err == ""
    test = {utterance.id: utterance.speaker for utterance in read_manifest(tmp_path / "manifest.test.jsonl")}
    train = {utterance.speaker for utterance in read_manifest(tmp_path / "manifest.train.jsonl")}
    assert (len(train), len(set(test.values()))) == (1, 2)
    trials = read_trials(tmp_path / "trials.test.txt")
    assert {*trials.enrollments, *trials.tests} <= test.keys()


def test_synthetic_where_it_cannot(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(["manifest", "synthetic", str(tmp_path / "file"), "--train-speakers", "1"]) == 7
    assert capsys.readouterr().err.startswith("Cannot ")
