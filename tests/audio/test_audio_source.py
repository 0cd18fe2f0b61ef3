import io

import pytest

from speakertrip.audio import AudioBytes, read_stream, source
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
