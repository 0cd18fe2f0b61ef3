import os
import struct
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from speakertrip.embedding import embed_folder, folder, kaldi
from speakertrip.errors import DataError, StorageError, UsageError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import write_lines

MODEL = "a1" * 32
IDS = ["b/2.wav", "B-1", "é", "b", "b-1", "10", "9"]
SORTED = ["10", "9", "B-1", "b", "b-1", "b/2.wav", "é"]  # as LC_ALL=C sort


@pytest.fixture(scope="module")
def utterances(scratch, write_speech) -> list[Utterance]:
    return [
        Utterance(id_, write_speech(scratch / f"{seed}.wav", seed, 0.5), "s") for seed, id_ in enumerate(IDS)
    ]


@pytest.fixture
def plain(tmp_path) -> np.ndarray:
    """Write the files that an export is made from, by hand; return the rows."""
    rows = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float32)
    np.save(tmp_path / "embeddings.npy", rows)
    write_lines(tmp_path / "ids.txt", IDS)
    return rows


def test_a_peer_reads_what_is_written(tmp_path, plain):
    kaldi.write_kaldi(tmp_path)
    found = kaldiio.load_scp(str(tmp_path / "xvector.scp"))
    assert list(found) == SORTED
    for id_, row in zip(IDS, plain, strict=True):
        assert found[id_].dtype == np.float32
        np.testing.assert_array_equal(found[id_], row)
    assert [id_ for id_, _ in kaldiio.load_ark(str(tmp_path / "xvector.ark"))] == SORTED


def test_the_bytes_are_those_of_kaldi(tmp_path, plain, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kaldi.write_kaldi(Path())
    rows = dict(zip(IDS, plain, strict=True))
    expected, places = b"", []
    for id_ in SORTED:
        expected += id_.encode() + b" "
        places.append(f"{id_} {tmp_path}/xvector.ark:{len(expected)}")
        expected += b"\0BFV \x04" + struct.pack("<i5f", 5, *rows[id_])
    assert (tmp_path / "xvector.ark").read_bytes() == expected
    assert (tmp_path / "xvector.scp").read_text(encoding="utf-8").splitlines() == places


@pytest.mark.parametrize("before", [True, False])
def test_both_files_or_neither(tmp_path, plain, monkeypatch, before):
    if before:
        kaldi.write_kaldi(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []

    def full(file):
        calls.append(file)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    np.save(tmp_path / "embeddings.npy", plain + 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            kaldi.write_kaldi(tmp_path)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {**left, "embeddings.npy": files["embeddings.npy"]} == files


def test_a_kill_leaves_no_list_of_another_archive(tmp_path, plain, monkeypatch):
    kaldi.write_kaldi(tmp_path)
    replace = Path.replace

    def killed(path, target):
        replace(path, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            kaldi.write_kaldi(tmp_path)
    assert [path.name for path in tmp_path.glob("xvector.*")] == ["xvector.ark"]


def test_files_that_do_not_belong_together(tmp_path, plain):
    write_lines(tmp_path / "ids.txt", IDS[1:])
    with pytest.raises(StorageError, match="is not that of"):
        kaldi.write_kaldi(tmp_path)
    (tmp_path / "embeddings.npy").write_bytes(b"")
    with pytest.raises(StorageError, match="Cannot read the embeddings"):
        kaldi.write_kaldi(tmp_path)


def test_a_folder_with_an_export(tmp_path, embedder, utterances, monkeypatch):
    embed_folder(embedder, MODEL, utterances, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("e*")}
    with monkeypatch.context() as patch:
        patch.setattr(folder, "load_speech", None)  # nothing is embedded again
        embed_folder(embedder, MODEL, utterances, tmp_path, kaldi=True)
        embed_folder(embedder, MODEL, utterances, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    found = kaldiio.load_scp(str(tmp_path / "xvector.scp"))
    np.testing.assert_array_equal([found[id_] for id_ in IDS], np.load(tmp_path / "embeddings.npy"))
    # Embeddings that are made anew have no export of those before them.
    (tmp_path / "embeddings.npy").unlink()
    embed_folder(embedder, MODEL, utterances, tmp_path)
    assert not list(tmp_path.glob("xvector.*"))


@pytest.mark.parametrize("id_", ["a b", " a", "a\u00a0b", "a\u2028b", ""])
def test_what_kaldi_cannot_name_is_refused_before_anything_is_written(tmp_path, embedder, utterances, id_):
    named = [*utterances, Utterance(id_, utterances[0].path, "s")]
    with pytest.raises(DataError, match=r"holds white space, which Kaldi's files cannot; rename it"):
        embed_folder(embedder, MODEL, named, tmp_path / "out", kaldi=True)
    with pytest.raises(UsageError, match="holds a line break"):
        embed_folder(embedder, MODEL, utterances, tmp_path / "o\nut", kaldi=True)
    assert not list(tmp_path.iterdir())
