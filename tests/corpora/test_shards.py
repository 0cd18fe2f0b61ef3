import errno
import json
import tarfile

import numpy as np
import pytest
import soundfile

from speakertrip.audio import load_utterance
from speakertrip.corpora.shards import write_shards
from speakertrip.errors import AudioError, StorageError, UsageError
from speakertrip.manifests import Utterance, read_manifest


@pytest.fixture
def corpus(tmp_path, speech_like):
    """Seven utterances in five files; names that a tar, or WebDataset's keys, would mix up."""
    names = ["s/a.b.wav", "s/a.c.wav", "t/ä ö.flac", "t/" + "long" * 60 + ".wav", "t/no-suffix"]
    rows = []
    for seed, name in enumerate(names):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            soundfile.write(file, speech_like(0.6, seed), 16_000, format="FLAC" if "flac" in name else "WAV")
        rows.append(Utterance(name, path, name[0], session="x", extra={"corpus": "c"}))
    rows.append(Utterance("first", rows[2].path, "t", duration=0.25))
    rows.append(Utterance("second", rows[2].path, "t", start=0.25, duration=0.25, language="de"))
    return rows


@pytest.mark.parametrize("shard_bytes", [1, 50_000, 10**9])
def test_every_utterance_is_as_before(tmp_path, corpus, shard_bytes):
    written = write_shards(corpus, tmp_path / "shards", shard_bytes)
    read = read_manifest(tmp_path / "shards" / "manifest.jsonl")
    assert read == written
    for before, after in zip(corpus, read, strict=True):
        assert (after.id, after.speaker, after.session) == (before.id, before.speaker, before.session)
        assert (after.start, after.language, after.extra) == (before.start, before.language, before.extra)
        assert after.duration == before.duration or (before.duration is None and after.duration == 0.6)
        np.testing.assert_array_equal(load_utterance(after), load_utterance(before))


def test_shards_keep_to_their_size_and_hold_no_file_twice(tmp_path, corpus):
    written = write_shards(corpus, tmp_path / "shards", 50_000)
    shards = sorted((tmp_path / "shards").glob("*"))
    assert [shard.name for shard in shards] == ["000000.tar", "000001.tar", "000002.tar", "manifest.jsonl"]
    spans = {(row.path, row.span) for row in written}
    assert len(spans) == 5
    for shard in shards[:-1]:
        lengths = [span[1] for path, span in spans if path == shard]
        assert sum(lengths) <= shard.stat().st_size <= 50_000 + tarfile.RECORDSIZE


def test_tarfile_reads_them_as_webdataset_would(tmp_path, corpus):
    written = write_shards(corpus, tmp_path / "shards")
    with tarfile.open(tmp_path / "shards" / "000000.tar") as tar:
        members = tar.getmembers()
        assert [m.name for m in members[:4]] == [
            "000000000.wav",
            "000000000.json",
            "000000001.wav",
            "000000001.json",
        ]
        assert members[8].name == "000000004.audio"
        for member in members[::2]:
            owners = [row for row in written if row.span == (member.offset_data, member.size)]
            (text,) = [m for m in members if m.name == member.name.split(".")[0] + ".json"]
            rows = json.loads(tar.extractfile(text).read())
            assert [row["id"] for row in rows] == [owner.id for owner in owners]
            assert tar.extractfile(member).read() == corpus[written.index(owners[0])].path.read_bytes()
            assert not {"path", "span"} & set(rows[0])


def test_the_same_manifest_gives_the_same_bytes(tmp_path, corpus):
    for name in ("one", "two"):
        write_shards(corpus, tmp_path / name)
    for name in ("000000.tar", "manifest.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_folder_must_be_empty(tmp_path, corpus):
    write_shards(corpus, tmp_path / "shards")
    with pytest.raises(UsageError, match="not empty"):
        write_shards(corpus, tmp_path / "shards")
    with pytest.raises(UsageError, match="lies in a shard already"):
        write_shards(read_manifest(tmp_path / "shards" / "manifest.jsonl"), tmp_path / "again")
    with pytest.raises(UsageError, match="at least one byte"):
        write_shards(corpus, tmp_path / "other", 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        write_shards(corpus, tmp_path / "file")


def test_a_failure_leaves_no_manifest(tmp_path, corpus):
    lost = Utterance("lost", tmp_path / "lost.wav", "s", duration=1.0)
    with pytest.raises(AudioError, match=r"lost\.wav"):
        write_shards([*corpus, lost], tmp_path / "shards")
    assert not list((tmp_path / "shards").glob("*.part"))
    assert not (tmp_path / "shards" / "manifest.jsonl").exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, corpus, monkeypatch):
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    monkeypatch.setattr(tarfile.TarFile, "close", full)
    with pytest.raises(StorageError, match="No space left"):
        write_shards(corpus, tmp_path / "shards")
    assert list((tmp_path / "shards").iterdir()) == []
