import json
import shutil

import kaldiio
import numpy as np
import pytest

from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder, processes
from speakertrip.manifests import Utterance, write_manifest


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    (tmp_path / "voices").mkdir()
    for seed in range(3):
        write_speech(tmp_path / f"voices/{seed}.wav", seed, 1.2)
    (tmp_path / "text.wav").write_text("This is no audio.\n")
    names = [f"voices/{seed}.wav" for seed in range(3)]
    write_manifest("m.jsonl", [Utterance(name, tmp_path / name, "s") for name in names])
    write_manifest("bad.jsonl", [Utterance(name, tmp_path / name, "s") for name in ["text.wav", *names]])
    return tmp_path


@pytest.fixture
def expected(place, bundle_folder) -> np.ndarray:
    embedder = Embedder(Bundle.load(bundle_folder).model, "cpu")
    rows = embedder.embed_utterances([Utterance("", place / f"voices/{seed}.wav", "s") for seed in range(3)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_files(speakertrip, expected, bundle_folder):
    code, out, err = speakertrip("embed", "voices")
    assert (code, err) == (0, "")
    files, numbers = zip(*(line.split("\t") for line in out.splitlines()), strict=True)
    assert files == ("voices/0.wav", "voices/1.wav", "voices/2.wav")
    rows = np.array([[np.float32(number) for number in row.split(" ")] for row in numbers])
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    code, out, err = speakertrip("embed", "voices", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [row["file"] for row in found] == list(files)
    assert {row["model"] for row in found} == {Bundle.load(bundle_folder).identity}
    assert all(0.5 < row["speech_seconds"] <= 1.2 for row in found)
    np.testing.assert_array_equal(np.array([row["embedding"] for row in found], np.float32), rows)


def test_a_file_that_cannot_be_used(speakertrip):
    code, out, err = speakertrip("embed", "voices/0.wav", "text.wav", "voices/1.wav", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert rows[1] == {"file": "text.wav", "error": err.rstrip("\n")}
    assert ["embedding" in row for row in rows] == [True, False, True]
    assert speakertrip("embed", "voices/0.wav", "--min-speech", 3)[0] == 3


def test_a_manifest(speakertrip, place, expected):
    assert speakertrip("embed", "--manifest", "m.jsonl", "--out", "out") == (
        0, "out: 3 embeddings of 24 numbers\n", ""
    )  # fmt: skip
    np.testing.assert_allclose(np.load("out/embeddings.npy"), expected, atol=1e-6)
    assert (place / "out/ids.txt").read_text() == "voices/0.wav\nvoices/1.wav\nvoices/2.wav\n"
    code, out, err = speakertrip("embed", "--manifest", "bad.jsonl", "--out", "out")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("out holds embeddings of another manifest")


def test_bad_utterances_of_a_manifest(speakertrip, place, expected):
    call = ("embed", "--manifest", "bad.jsonl", "--out", "out")
    code, out, err = speakertrip(*call)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("Utterance text.wav: ")
    code, out, err = speakertrip(*call, "--skip-bad", "--json")
    row = json.loads(out)
    assert (code, row["utterances"], row["skipped"], row["dim"]) == (0, 3, 1, 24)
    assert err.splitlines()[0].startswith("Utterance text.wav: ")
    assert err.splitlines()[1:] == ["1 of 4 utterances left out."]
    np.testing.assert_allclose(np.load("out/embeddings.npy"), expected, atol=1e-6)
    assert (place / "out/ids.txt").read_text().splitlines() == [f"voices/{seed}.wav" for seed in range(3)]


def test_the_first_of_several_processes_prints(speakertrip, monkeypatch):
    call = ("embed", "--manifest", "m.jsonl", "--out", "out")
    assert speakertrip(*call)[0] == 0
    said = {}
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        said[rank] = speakertrip(*call)
    assert said == {"0": (0, "out: 3 embeddings of 24 numbers\n", ""), "1": (0, "", "")}
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    code, out, err = speakertrip(*call)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("1 of 2 processes are on this machine")


def test_kaldi(speakertrip, place):
    call = ("embed", "--manifest", "m.jsonl", "--out", "out")
    assert speakertrip(*call)[0] == 0
    assert not (place / "out/xvector.scp").exists()
    assert speakertrip(*call, "--kaldi") == (0, "out: 3 embeddings of 24 numbers\n", "")
    found = kaldiio.load_scp("out/xvector.scp")
    rows = np.load("out/embeddings.npy")
    np.testing.assert_array_equal([found[f"voices/{seed}.wav"] for seed in range(3)], rows)
    write_manifest("spaces.jsonl", [Utterance("voices 0", place / "voices/0.wav", "s")])
    code, out, err = speakertrip("embed", "--manifest", "spaces.jsonl", "--out", "spaces", "--kaldi")
    assert (code, out, err.count("\n")) == (6, "", 1)
    assert err.startswith("The id 'voices 0' holds white space")
    assert not (place / "spaces").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Nothing to embed"),
        (("--manifest", "m.jsonl"), "needs --out FOLDER"),
        (("--manifest", "m.jsonl", "--out", "out", "a.wav"), "no FILE beside it"),
        (("voices", "--out", "out"), "--out goes with --manifest"),
        (("voices", "--skip-bad"), "--skip-bad goes with --manifest"),
        (("voices", "--kaldi"), "--kaldi goes with --manifest"),
        (("--manifest", "m.jsonl", "--out", "out", "--vad", "none"), "--vad is for FILES"),
        (("--manifest", "m.jsonl", "--out", "out", "--min-speech", "1"), "--min-speech is for FILES"),
    ],
)
def test_usage(speakertrip, place, arguments, said):
    code, out, err = speakertrip("embed", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (place / "out").exists()


def test_a_folder_of_something_else_is_left_as_it_is(speakertrip, place, bundle_folder):
    shutil.copytree(bundle_folder, "b")
    before = sorted(path.name for path in (place / "b").iterdir())
    code, out, err = speakertrip("embed", "--manifest", "m.jsonl", "--out", "b")
    assert (code, out) == (2, "")
    assert err == f"b/{before[0]} is there already, from elsewhere; name another folder.\n"
    assert sorted(path.name for path in (place / "b").iterdir()) == before


@pytest.mark.parametrize("rank", ["0", "1"])
@pytest.mark.parametrize(
    "wrong", [["--manifest", "m.jsonl"], ["--manifest", "m.jsonl", "--vad", "energy"], ["--kaldi"]]
)
def test_a_wrong_call_under_torchrun_is_said_by_the_first_process(speakertrip, monkeypatch, wrong, rank):
    """The message ends the others, which wait for that."""
    waited = []
    monkeypatch.setattr(processes.time, "sleep", waited.append)
    for name, value in {"RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert speakertrip("embed", *wrong)[0] == 2
    assert waited == ([] if rank == "0" else [processes.GRACE])


def test_variables_that_torchrun_would_not_set(speakertrip, monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "two", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    code, out, err = speakertrip("embed", "--manifest", "m.jsonl", "--out", "out")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "WORLD_SIZE='two'" in err
