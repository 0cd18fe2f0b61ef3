import hashlib
import zipfile
from dataclasses import replace

import pytest
from file_server import serve_files

from speakertrip.cli import run
from speakertrip.corpora.catalog import CATALOG, RemoteFile
from speakertrip.corpora.download import Checksum


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with serve_files() as served:
        yield served


def test_what_was_done_is_said(tmp_path, server, monkeypatch, capsys):
    archive = tmp_path / "s.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("ü/a.txt", "a")
    proven = RemoteFile(server.add("s.zip", archive.read_bytes()), Checksum("md5", md5(archive)))
    other = RemoteFile(server.add("t.zip", archive.read_bytes()))
    monkeypatch.setitem(
        CATALOG, "speechocean", replace(CATALOG["speechocean"], splits={"a": [proven], "b": [other]})
    )
    out = tmp_path / "out"
    assert run(["manifest", "download", "speechocean", str(out), "--split", "a", "--split", "b"]) == 0
    said = capsys.readouterr()
    size = archive.stat().st_size
    assert said.out.splitlines() == [
        f"{out}/s.zip: {size} bytes, md5 checked",
        f"{out}/t.zip: {size} bytes, no checksum is known",
    ]
    assert said.err == "Terms of use: CC BY 4.0, https://www.openslr.org/101/\n"
    assert (out / "ü/a.txt").read_text() == "a"


def test_a_failure_is_one_sentence(tmp_path, server, monkeypatch, capsys):
    gone = RemoteFile(f"{server.base}/gone.tar.gz")
    monkeypatch.setitem(
        CATALOG, "speechocean", replace(CATALOG["speechocean"], splits={"speechocean762": [gone]})
    )
    assert run(["manifest", "download", "speechocean", str(tmp_path)]) == 6
    assert capsys.readouterr().err.splitlines()[1:] == [f"{gone.url} cannot be downloaded: 404 Not Found."]


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["voxceleb1", "x"], "The audio of VoxCeleb1 is given on request: fill in the form at https://"),
        (["voxceleb2", "x"], "The audio of VoxCeleb2 is given on request"),
        (
            ["common-voice", "x"],
            "Common Voice is given to who agrees to its terms: choose a language at https://",
        ),
        (["timit", "x"], "There is no download 'timit'; take one of librispeech, "),
        (["librispeech", "x"], "Name one or more splits of librispeech: train-clean-100, "),
        (["vctk", "x", "--split", "mic1"], "vctk has no split 'mic1'; take one of vctk"),
        (["vctk"], "Missing argument 'FOLDER'"),
    ],
)
def test_what_cannot_be_downloaded(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(["manifest", "download", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert not list(tmp_path.iterdir())
