import io
import os
import tempfile
import zipfile

import numpy as np
import pytest

from speakertrip.audio import AudioBytes, decode, read_header, read_stream, source
from speakertrip.audio.codec import encode_bytes
from speakertrip.errors import AudioError


class Endless(io.RawIOBase):
    def read(self, size=-1):
        return b"\0" * size


class Broken(io.RawIOBase):
    def read(self, size=-1):
        raise OSError(5, "Input/output error")


def test_a_stream_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr(source, "BLOCK", 3)
    audio = read_stream(io.BytesIO(b"0123456789"), "Standard input")
    assert audio == AudioBytes(b"0123456789", "Standard input")
    assert str(audio) == "Standard input"
    assert "0123456789" not in repr(audio)


def test_a_stream_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(source, "BLOCK", 2**18)
    monkeypatch.setattr(source, "MAX_BYTES", 2**20)
    assert len(read_stream(io.BytesIO(b"\0" * 2**20), "x").content) == 2**20
    with pytest.raises(AudioError, match=r"^x holds more than 1 MiB; cut"):
        read_stream(Endless(), "x")


def test_a_stream_that_breaks_off():
    with pytest.raises(AudioError, match=r"^x cannot be read: Input/output error"):
        read_stream(Broken(), "x")


def test_an_hour_of_studio_audio_fits():
    assert source.MAX_BYTES > 3600 * 48_000 * 2 * 3


@pytest.fixture
def wav():
    return encode_bytes(np.linspace(-0.5, 0.5, 16_000, dtype=np.float32), 16_000, "WAV", "FLOAT")


def test_file_objects_are_read_from_their_beginning_and_left_open(tmp_path, wav):
    (tmp_path / "a.wav").write_bytes(wav)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.wav", wav)
    whole, rate = decode(tmp_path / "a.wav")
    spooled = tempfile.SpooledTemporaryFile(1000)  # noqa: SIM115
    spooled.write(wav)
    streams = [
        (tmp_path / "a.wav").open("rb"),
        (tmp_path / "a.wav").open("rb", buffering=0),
        io.BytesIO(wav),
        spooled,
        zipfile.ZipFile(tmp_path / "a.zip").open("a.wav"),  # noqa: SIM115
    ]
    for stream in streams:
        stream.seek(100)
        for start, seconds in ((0.0, None), (0.25, 0.5)):
            waveform, rate_of_stream = decode(stream, start, seconds)
            assert rate_of_stream == rate
            np.testing.assert_array_equal(waveform, decode(tmp_path / "a.wav", start, seconds)[0])
        assert read_header(stream).duration == 1.0
        assert not stream.closed
        stream.close()
    assert len(whole) == 16_000


def test_file_objects_that_cannot_be_read(tmp_path, wav, capfd):
    (tmp_path / "a.wav").write_bytes(wav)

    class BrokenLater(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 40:
                raise OSError(5, "Input/output error")
            return super().read(size)

    reading, writing = os.pipe()
    os.close(writing)
    pipe = os.fdopen(reading, "rb")
    closed = (tmp_path / "a.wav").open("rb")
    closed.close()
    for stream, message in [
        (BrokenLater(wav), r"^The audio cannot be read: .*Input/output error"),
        (
            pipe,
            r"^The audio cannot be read from its beginning \(.*seek.*\); give its bytes, by read_stream\(\)\.$",
        ),
        (closed, r"a\.wav cannot be read from its beginning \(.*closed"),
        (io.StringIO("text"), r"^The audio cannot be read: it gives text"),
        (object(), r"^The audio cannot be read from its beginning"),
    ]:
        for read in (decode, read_header):
            with pytest.raises(AudioError, match=message):
                read(stream)
    pipe.close()
    assert "Traceback" not in capfd.readouterr().err


def test_names_of_sources(tmp_path):
    (tmp_path / "ü.wav").touch()
    with (tmp_path / "ü.wav").open("rb") as stream:
        assert source.source_name(stream) == str(tmp_path / "ü.wav")
    assert source.source_name(tmp_path / "a.wav") == str(tmp_path / "a.wav")
    with tempfile.TemporaryFile() as stream:  # its name is a number
        assert source.source_name(stream) == "The audio"


@pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and devices")
def test_paths_that_are_no_files_are_named_and_nothing_hangs(tmp_path):
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "file").touch()
    for path, problem in [
        (tmp_path / "loop.wav", "Too many levels of symbolic links"),
        (tmp_path / "dangling.wav", "there is no such file"),
        (tmp_path / "file" / "a.wav", "Not a directory"),
        (tmp_path / "pipe.wav", "it is not a regular file"),
        (tmp_path, "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("/dev/tty", "it is not a regular file"),
    ]:
        for read in (decode, read_header):
            with pytest.raises(AudioError, match=f"^Cannot read .*{problem}"):
                read(path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.wav").touch()

    def refuse(name, flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source.os, "open", refuse)
    with pytest.raises(AudioError, match=r"^Cannot read .*a\.wav: Permission denied\.$"):
        decode(tmp_path / "a.wav")


def test_a_file_that_becomes_a_pipe_does_not_hang(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "a.wav")
    monkeypatch.setattr(source, "require_file", lambda path: path)
    with pytest.raises(AudioError, match=r"a\.wav"):
        decode(tmp_path / "a.wav")
