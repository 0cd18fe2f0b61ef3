"""The oracle of the checksum: whatever bit of the file is turned, it is not read as whole with another content."""

import resource
import signal

import pytest
import safetensors
import torch

from speakertrip.training.checksummed import read_checksummed, write_checksummed

TENSORS = {
    "weights": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "count": torch.tensor(7),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "flags": torch.tensor([True, False]),
    "none": torch.zeros(0, 4),
    "turned": torch.arange(6).reshape(2, 3).T,
}


def test_reads_what_was_written(tmp_path):
    write_checksummed(tmp_path / "file", TENSORS, '{"ünicode": Infinity}')
    tensors, text = read_checksummed(tmp_path / "file")
    assert text == '{"ünicode": Infinity}'
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor), name


def test_others_may_read_it_as_any_file_here(tmp_path):
    (tmp_path / "plain").touch()
    (tmp_path / "file").touch(mode=0o600)  # as a write that was killed may leave it
    write_checksummed(tmp_path / "file", TENSORS, "text")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_same_content_gives_the_same_bytes(tmp_path):
    write_checksummed(tmp_path / "a", TENSORS, "text")
    write_checksummed(tmp_path / "b", dict(reversed(TENSORS.items())), "text")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_turned_bit_passes(tmp_path):
    path = tmp_path / "file"
    write_checksummed(path, TENSORS, "text")
    whole = path.read_bytes()
    passed = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            tensors, text = read_checksummed(path)
        except ValueError:
            continue
        same = text == "text" and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
        passed.append((place, same))
    assert [place for place, same in passed if not same] == []
    assert len(passed) < 20  # spaces that fill up the header, and the like


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"noise" * 100, "cannot be read"),
        (b"\xff" * 8, "cannot be read"),
        (slice(None, -1), "cannot be read"),
        (slice(None, 40), "cannot be read"),
        (None, "is missing"),
    ],
)
def test_what_is_no_such_file_is_said(tmp_path, content, words):
    path = tmp_path / "file"
    write_checksummed(path, TENSORS, "text")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[content] if isinstance(content, slice) else content)
    with pytest.raises(ValueError, match=words):
        read_checksummed(path)


def test_a_file_of_tensors_without_a_checksum_is_refused(tmp_path):
    safetensors.torch.save_file({"a": torch.ones(1)}, tmp_path / "file", {"run": "{}"})
    with pytest.raises(ValueError, match="cannot be read"):
        read_checksummed(tmp_path / "file")


def test_what_reads_back_as_something_else_is_no_success(tmp_path, monkeypatch):
    def other(tensors, path, metadata):
        safetensors.torch.save_file(tensors | {"weights": tensors["weights"] + 1}, path, metadata)

    monkeypatch.setattr("speakertrip.training.checksummed.save_file", other)
    with pytest.raises(ValueError, match="is damaged"):
        write_checksummed(tmp_path / "file", TENSORS, "text")


def test_a_file_that_may_grow_no_further_is_an_error_of_storage(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises((OSError, safetensors.SafetensorError), match="File too large"):
            write_checksummed(tmp_path / "file", TENSORS, "text")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
