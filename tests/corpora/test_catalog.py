import hashlib
import re
from dataclasses import replace

import pytest
from archive_cases import FILES, contents, write_tar, write_zip
from file_server import serve_files

from speakertrip.corpora import catalog, download, voxceleb_lists
from speakertrip.corpora.catalog import BEHIND_A_FORM, CATALOG, RemoteFile, fetch
from speakertrip.corpora.download import Checksum
from speakertrip.corpora.voxceleb_lists import OFFICIAL_LISTS, OfficialList, read_official_list
from speakertrip.errors import DataError, UsageError

LIST = "1 id10270/a/1.wav id10270/b/1.wav\n0 id10270/a/1.wav id10300/b/1.wav\n"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "WAIT", 0.0)
    monkeypatch.setenv("no_proxy", "*")
    with serve_files() as served:
        yield served


def remote(server, path):
    body = path.read_bytes()
    return RemoteFile(server.add(path.name, body), Checksum("md5", hashlib.md5(body).hexdigest()))


def serve(server, monkeypatch, name, splits, **changes):
    monkeypatch.setitem(CATALOG, name, replace(CATALOG[name], splits=splits, **changes))


def test_every_entry():
    for name, corpus in CATALOG.items():
        files = [file for split in corpus.splits.values() for file in split]
        assert len({file.name for file in files}) == len(files)
        assert set(corpus.default) <= corpus.splits.keys(), name
        assert "https://" in corpus.terms
        for file in files:
            assert re.fullmatch(r"https://[\w./~-]+", file.url)
            if file.checksum:
                length = {"md5": 32, "sha256": 64}[file.checksum.algorithm]
                assert re.fullmatch(f"[0-9a-f]{{{length}}}", file.checksum.digest)
    assert len(OFFICIAL_LISTS) == 6


def test_archives_are_fetched_and_unpacked(tmp_path, server, monkeypatch):
    whole = write_tar(tmp_path / "whole.tar.gz").read_bytes()
    pieces = []
    for letter, content in (("a", whole[:30_000]), ("b", whole[30_000:])):
        piece = tmp_path / f"c.tar.gza{letter}"
        piece.write_bytes(content)
        pieces.append(remote(server, piece))
    serve(
        server,
        monkeypatch,
        "cnceleb",
        {"cnceleb1": [remote(server, tmp_path / "whole.tar.gz")], "cnceleb2": pieces},
    )
    seen = set()
    out = tmp_path / "out"
    files = fetch("cnceleb", out, ["cnceleb2"], lambda what, done, total: seen.add(what))
    assert files == [out / "c.tar.gzaa", out / "c.tar.gzab"]
    assert FILES.items() <= contents(out).items()
    assert seen == {"c.tar.gzaa", "c.tar.gzab", "unpacking c.tar.gzaa"}
    count = len(server.requests)
    assert len(fetch("cnceleb", out)) == 3
    assert len(server.requests) == count + 1  # what is there is not fetched again


def test_an_archive_without_a_folder_of_its_own(tmp_path, server, monkeypatch):
    archive = write_zip(tmp_path / "v.zip", {"speaker-info.txt": b"ID\n"})
    serve(server, monkeypatch, "vctk", {"vctk": [remote(server, archive)]})
    fetch("vctk", tmp_path / "out")
    assert (tmp_path / "out/VCTK-Corpus-0.92/speaker-info.txt").read_bytes() == b"ID\n"


def test_a_damaged_archive_without_a_checksum(tmp_path, server, monkeypatch):
    whole = write_tar(tmp_path / "s.tar.gz").read_bytes()
    serve(
        server,
        monkeypatch,
        "speechocean",
        {"speechocean762": [RemoteFile(server.add("s.tar.gz", whole[:-9]))]},
    )
    with pytest.raises(DataError, match=r"s.tar.gz is damaged \(.*\); download it anew"):
        fetch("speechocean", tmp_path / "out")


def test_official_lists(tmp_path, server, monkeypatch):
    (tmp_path / "veri_test2.txt").write_text(LIST)
    file = remote(server, tmp_path / "veri_test2.txt")
    serve(server, monkeypatch, "voxceleb-trials", {"O-cleaned": [file]}, default=["O-cleaned"])
    with pytest.raises(DataError, match=r"veri_test2.txt has 2 trials, but VoxCeleb1 O-cleaned has 37,611"):
        fetch("voxceleb-trials", tmp_path / "out")
    monkeypatch.setitem(voxceleb_lists.OFFICIAL_LISTS, "O-cleaned", OfficialList("veri_test2.txt", 2, ""))
    assert fetch("voxceleb-trials", tmp_path / "out") == [tmp_path / "out/veri_test2.txt"]
    assert (tmp_path / "out/veri_test2.txt").read_text() == LIST
    assert len(read_official_list(tmp_path / "out/veri_test2.txt", "O-cleaned")) == 2


@pytest.mark.parametrize("name", BEHIND_A_FORM)
def test_behind_a_form(tmp_path, name):
    with pytest.raises(UsageError, match="https://"):
        fetch(name, tmp_path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="There is no download 'timit'; take one of librispeech"):
        fetch("timit", tmp_path)
    with pytest.raises(UsageError, match="librispeech has no split 'clean'; take one of train-clean-100"):
        fetch("librispeech", tmp_path, ["clean"])
    with pytest.raises(UsageError, match="Name one or more splits of librispeech"):
        fetch("librispeech", tmp_path)
    assert not list(tmp_path.iterdir())
    assert catalog.CATALOG.keys().isdisjoint(BEHIND_A_FORM)
