import hashlib
import os
import socket
from contextlib import suppress

import numpy as np
import pytest
from file_server import serve_files
from hypothesis import given, settings
from hypothesis import strategies as st

from speakertrip.corpora import download as module
from speakertrip.corpora import web
from speakertrip.corpora.download import ATTEMPTS, Checksum, download
from speakertrip.errors import DataError, StorageError

BODY = np.random.default_rng(0).bytes(100_000)
MD5 = Checksum("md5", hashlib.md5(BODY).hexdigest())
SHA256 = Checksum("sha256", hashlib.sha256(BODY).hexdigest())
CLOSED = "http://127.0.0.1:9/a.bin"  # the port of discard, where nothing listens


@pytest.fixture(scope="module")
def server():
    with serve_files() as served:
        yield served


@pytest.fixture(autouse=True)
def at_once(monkeypatch, server):
    monkeypatch.setattr(module, "WAIT", 0.0)
    monkeypatch.setenv("no_proxy", "*")
    server.files.clear()
    server.requests.clear()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("checksum", [None, MD5, SHA256])
def test_a_file(tmp_path, server, checksum):
    seen = []
    target = tmp_path / "neu ü" / "a.bin"
    assert download(server.add("a.bin", BODY), target, checksum, lambda *numbers: seen.append(numbers))
    assert target.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert names(target.parent) == ["a.bin"]


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    target = tmp_path / "a.bin"
    target.write_bytes(BODY)
    assert not download(server.add("a.bin", b"new"), target, MD5)
    assert not download(server.add("a.bin", b"new"), target)
    assert server.requests == []
    target.write_bytes(b"else")
    with pytest.raises(
        DataError, match=r"a.bin is there, but is not the published file: its md5 is .* move it away"
    ):
        download(server.add("a.bin", BODY), target, MD5)
    assert target.read_bytes() == b"else"


def test_it_goes_on_where_it_broke_off(tmp_path, server):
    url = server.add("a.bin", BODY, cuts=[30_000, 50_000])
    assert download(url, tmp_path / "a.bin", MD5)
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert [asked for _, asked in server.requests] == [None, "bytes=30000-", "bytes=80000-"]


@pytest.mark.parametrize("options", [{"etag": "", "modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, {}])
def test_a_later_call_goes_on(tmp_path, server, options):
    url = server.add("a.bin", BODY, cuts=[30_000] + [0] * ATTEMPTS, **options)
    with pytest.raises(
        DataError, match=r"broke off \(.*\) with 30,000 bytes in .*a.bin.part; call again to go on"
    ):
        download(url, tmp_path / "a.bin", MD5)
    assert not (tmp_path / "a.bin").exists()
    server.requests.clear()
    assert download(url, tmp_path / "a.bin", MD5)
    assert server.requests == [("/a.bin", "bytes=30000-")]
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("options", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"weak"'}, {"shift": 5}])
def test_it_begins_anew_where_the_server_cannot(tmp_path, server, options):
    url = server.add("a.bin", BODY, cuts=[30_000], **options)
    if "shift" in options:  # a server that is wrong is not believed
        with pytest.raises(DataError, match="the server answered with another range"):
            download(url, tmp_path / "a.bin", MD5)
        assert (tmp_path / "a.bin.part").read_bytes() == BODY[:30_000]
    else:
        assert download(url, tmp_path / "a.bin", MD5)
        assert (tmp_path / "a.bin").read_bytes() == BODY


def test_an_interrupt_keeps_what_came(tmp_path, server):
    def stop(done, total):
        raise KeyboardInterrupt

    url = server.add("a.bin", BODY * 50)
    with pytest.raises(KeyboardInterrupt):
        download(url, tmp_path / "a.bin", None, stop)
    have = (tmp_path / "a.bin.part").stat().st_size
    assert 0 < have < len(BODY * 50)
    assert download(url, tmp_path / "a.bin")
    assert server.requests[-1] == ("/a.bin", f"bytes={have}-")
    assert (tmp_path / "a.bin").read_bytes() == BODY * 50


def test_a_file_that_changed_in_between_is_not_mixed(tmp_path, server):
    url = server.add("a.bin", BODY[::-1], etag='"old"', cuts=[30_000] + [0] * ATTEMPTS)
    with pytest.raises(DataError, match="broke off"):
        download(url, tmp_path / "a.bin")
    server.add("a.bin", BODY, etag='"new"')
    assert download(url, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == BODY


def test_a_part_that_is_whole(tmp_path, server):
    url = server.add("a.bin", BODY)
    (tmp_path / "a.bin.part").write_bytes(BODY)
    (tmp_path / "a.bin.part.tag").write_text('"v1"')
    assert download(url, tmp_path / "a.bin", MD5)
    assert server.requests == [("/a.bin", f"bytes={len(BODY)}-")]


def test_a_part_that_is_too_long(tmp_path, server):
    (tmp_path / "a.bin.part").write_bytes(BODY + b"more")
    (tmp_path / "a.bin.part.tag").write_text('"v1"')
    assert download(server.add("a.bin", BODY), tmp_path / "a.bin", MD5)


def test_the_wrong_file_is_kept_under_another_name(tmp_path, server):
    with pytest.raises(
        DataError, match=r"gave another file than the published one: its md5 .* kept as .*a.bin.wrong"
    ):
        download(server.add("a.bin", b"something else"), tmp_path / "a.bin", MD5)
    assert names(tmp_path) == ["a.bin.wrong"]
    assert (tmp_path / "a.bin.wrong").read_bytes() == b"something else"
    assert download(server.add("a.bin", BODY), tmp_path / "a.bin", MD5)


def test_no_length_stated(tmp_path, server):
    seen = []
    url = server.add("a.bin", BODY, length=False)
    assert download(url, tmp_path / "a.bin", MD5, lambda *numbers: seen.append(numbers))
    assert seen[-1] == (len(BODY), None)


@pytest.mark.parametrize("length", ["9" * 5_000, "many", "-3"])
def test_a_length_that_is_none(tmp_path, server, length):
    seen = []
    url = server.add("a.bin", BODY, length=length)
    assert download(url, tmp_path / "a.bin", MD5, lambda *numbers: seen.append(numbers))
    assert seen[-1] == (len(BODY), None)


def test_a_passing_failure(tmp_path, server):
    url = server.add("a.bin", BODY, failures=[503, 500, 429])
    assert download(url, tmp_path / "a.bin", MD5)
    url = server.add("b.bin", BODY, failures=[503] * ATTEMPTS)
    with pytest.raises(DataError, match=r"broke off \(503 Service Unavailable\) with 0 bytes"):
        download(url, tmp_path / "b.bin")


def test_what_cannot_be(tmp_path, server):
    with pytest.raises(DataError, match=r"absent.bin cannot be downloaded: 404 Not Found\."):
        download(f"{server.base}/absent.bin", tmp_path / "a.bin")
    with pytest.raises(DataError, match=r"broke off .*Connection refused"):
        download(CLOSED, tmp_path / "a.bin")
    for url in ("file:///etc/passwd", "ftp://127.0.0.1/a", "a.bin", "http://[::1/a.bin", "data:text/plain,x"):
        with pytest.raises(DataError, match="cannot be downloaded: "):
            download(url, tmp_path / "a.bin")
    assert names(tmp_path) == []


def test_a_server_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DataError, match=r"broke off \(.*timed out"):
            download(f"http://127.0.0.1:{port}/a.bin", tmp_path / "a.bin")


def test_redirects(tmp_path, server):
    server.add("a.bin", BODY, cuts=[30_000])
    url = server.add("there", location=f"{server.base}/a.bin")
    assert download(url, tmp_path / "a.bin", MD5)
    assert server.requests[-1] == ("/a.bin", "bytes=30000-")


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "file:///etc/passwd cannot be downloaded: only http and https can"),
        ("ftp://127.0.0.1/a.bin", "ftp://127.0.0.1/a.bin cannot be downloaded: only http and https can"),
        ("http://[::1/a.bin", r"loop cannot be downloaded: it redirects to http://\[::1/a.bin"),
        ("/loop", "loop cannot be downloaded: it redirects more than 5 times"),
    ],
)
def test_redirects_elsewhere(tmp_path, server, location, message):
    url = server.add("loop", location=location)
    with pytest.raises(DataError, match=message) as caught:
        download(url, tmp_path / "a.bin")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_too_many_redirects(tmp_path, server):
    for step in range(9):
        server.add(f"r{step}", location=f"{server.base}/r{step + 1}")
    server.add("r9", BODY)
    with pytest.raises(DataError, match="it redirects more than 5 times"):
        download(f"{server.base}/r0", tmp_path / "a.bin")
    assert len(server.requests) == 1 + web.MOST_REDIRECTS
    assert download(f"{server.base}/r5", tmp_path / "a.bin")


def test_where_it_cannot_be_written(tmp_path, server):
    url = server.add("a.bin", BODY)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*a.bin: "):
        download(url, tmp_path / "file" / "a.bin")
    if os.path.exists("/dev/full"):  # noqa: PTH110
        (tmp_path / "b.bin.part").symlink_to("/dev/full")
        with pytest.raises(StorageError, match=r"Cannot write .*b.bin: No space left"):
            download(url, tmp_path / "b.bin")


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=8), ranges=st.booleans(), tagged=st.booleans())
def test_however_it_breaks_off_the_file_is_whole_or_not_there(scratch, server, cuts, ranges, tagged):
    url = server.add("a.bin", BODY, cuts=list(cuts), ranges=ranges, etag='"v1"' if tagged else "")
    target = scratch / "a.bin"
    for path in scratch.iterdir():
        path.unlink()
    with suppress(DataError):
        download(url, target)
    assert target.read_bytes() == BODY if target.exists() else cuts
