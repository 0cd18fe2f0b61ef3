import gzip
import stat
import tarfile
import zipfile
from contextlib import suppress

import pytest
from archive_cases import FILES, NOISE, contents, tar_bytes, write_tar, write_zip
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora import unpack as module
from speakertrip.corpora.unpack import unpack
from speakertrip.errors import DataError, StorageError


@pytest.fixture(params=["a.tar.gz", "a.zip"])
def write(request, tmp_path):
    """Return ``write(files)``: an archive of one kind."""
    (tmp_path / "archives").mkdir()
    path = tmp_path / "archives" / request.param
    return lambda files=FILES: (write_zip if path.suffix == ".zip" else write_tar)(path, files)


def test_all_files(tmp_path, write):
    archive = write()
    seen = []
    unpack([archive], tmp_path / "out", lambda *numbers: seen.append(numbers))
    assert contents(tmp_path / "out") == FILES
    assert all(not path.stat().st_mode & 0o6111 for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert len(seen) == len(FILES)
    assert all(0 <= done <= total == archive.stat().st_size for done, total in seen)


def test_again_writes_only_what_is_missing(tmp_path, write):
    archive, out = write(), tmp_path / "out"
    unpack([archive], out)
    kept, cut = out / "LibriSpeech/SPEAKERS.TXT", out / "LibriSpeech/dev-clean/84/1/ü 声.flac"
    kept.write_bytes(b"7777777")  # its size is right
    cut.write_bytes(NOISE[:100])
    unpack([archive], out)
    assert kept.read_bytes() == b"7777777"
    assert cut.read_bytes() == NOISE


def test_pieces(tmp_path):
    whole = write_tar(tmp_path / "a.tar.gz").read_bytes()
    parts = [tmp_path / f"b.tar.gza{letter}" for letter in "abcd"]
    for number, part in enumerate(parts):
        part.write_bytes(whole[number * 20_000 : (number + 1) * 20_000])
    unpack(parts, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    with pytest.raises(DataError, match="is damaged"):
        unpack([parts[0], parts[2], parts[1]], tmp_path / "out2")


@pytest.mark.parametrize("cut", [0, 1, 10, 100, 30_000, -30, -9, -1])
def test_truncated(tmp_path, write, cut):
    archive = write()
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"archives/a\..* is damaged \(.*\); download it anew"):
        unpack([archive], tmp_path / "out")
    assert all(FILES[name] == content for name, content in contents(tmp_path / "out").items())


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\..\\x", "C:/x", "..", "a/b/../../../x"])
def test_a_member_outside(tmp_path, write, name):
    archive = write({name: b"x"})
    with pytest.raises(DataError, match=r"^a\..* holds .*, which would lie outside the folder"):
        unpack([archive], tmp_path / "out")
    assert not (tmp_path / "x").exists()
    assert contents(tmp_path).keys() == {f"archives/{archive.name}"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar(tmp_path, kind):
    info = tarfile.TarInfo("wav")
    info.type, info.linkname = kind, "/etc"
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("wav/passwd"))
    with pytest.raises(DataError, match="holds 'wav', which is neither file nor folder"):
        unpack([tmp_path / "a.tar.gz"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_a_zip(tmp_path):
    info = zipfile.ZipInfo("wav")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc")
    with pytest.raises(DataError, match="holds 'wav', which is neither file nor folder"):
        unpack([tmp_path / "a.zip"], tmp_path / "out")


def test_a_bomb(tmp_path, write, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 100_000)
    archive = write({"a.wav": bytes(10_000), "bomb.wav": bytes(10_000_000)})
    with pytest.raises(DataError, match=r"a\..* would unpack to more than .* bytes; this is no corpus"):
        unpack([archive], tmp_path / "out")
    assert contents(tmp_path / "out").keys() == {"a.wav"}
    archive = write({f"{number}": b"" for number in range(200)})
    monkeypatch.setattr(module, "MOST_GROWTH", 1)
    with pytest.raises(DataError, match="would unpack to more than"):
        unpack([archive], tmp_path / "many")


def test_an_encrypted_zip(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a": b"x"})
    raw = bytearray(path.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.rindex(mark) + place] |= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"cannot be unpacked \(.*password required"):
        unpack([path], tmp_path / "out")


def test_where_it_cannot_be_written(tmp_path, write):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*file/.*: Not a directory"):
        unpack([write()], tmp_path / "file")
    with pytest.raises(StorageError, match=r"Cannot write .*out/a"):
        unpack([write({"a": b"x", "a/b": b"y"})], tmp_path / "out")


@given(st.data())
def test_flipped_bytes(scratch, data):
    kind = data.draw(st.sampled_from(["tar", "gz", "zip"]))
    files = {"s1/a.wav": NOISE[:300], "s1/b.wav": NOISE[300:400]}
    path = scratch / ("f.zip" if kind == "zip" else "f.tar.gz")
    raw = bytearray(
        tar_bytes(files)[:4096]
        if kind == "tar"
        else (write_zip if kind == "zip" else write_tar)(path, files).read_bytes()
    )
    for place, bits in data.draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(1, 255)), max_size=6)
    ):
        raw[place] ^= bits
    path.write_bytes(gzip.compress(raw) if kind == "tar" else raw)
    before = sorted(scratch.iterdir())
    out = scratch / "out"
    with suppress(DataError, StorageError):
        unpack([path], out)
    assert set(scratch.iterdir()) <= {*before, out}


def test_a_link_is_replaced_and_not_written_through(tmp_path, write):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "mine")
    unpack([write({"a": b"theirs"})], tmp_path / "out")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "out/a").read_bytes() == b"theirs"
