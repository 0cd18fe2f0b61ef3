"""Files of tensors that carry their own checksum and are read back before they count: safetensors, no pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

SEAL = (
    "seal"  # one entry of metadata: several would be written in an order that changes from process to process
)


def write_checksummed(path: Path, tensors: Mapping[str, Tensor], text: str) -> None:
    """Write tensors and a text, bring them to the disk, and read them back from there.

    The file is not written at once: write another name, then rename.

    Args:
        path: of the file.
        tensors: on any device.
        text: what else is to be kept, as JSON.

    Raises:
        OSError, safetensors.SafetensorError: it cannot be written.
        ValueError: it reads back as something else, said in words that follow its name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_checksummed(Path(folder, "file"), {"ones": torch.ones(2)}, "a text")
    ...     read_checksummed(Path(folder, "file"))
    ({'ones': tensor([1., 1.])}, 'a text')
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = _checksum(plain, text)
    path.unlink(missing_ok=True)
    path.touch()
    mode = path.stat().st_mode  # of any other file here; safetensors would let nobody else read it
    save_file(plain, path, {SEAL: json.dumps({"sha256": checksum, "text": text})})
    path.chmod(mode)
    with path.open("r+b") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):  # else what is read back would be the memory's copy, not the disk's
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    read_checksummed(path)


def read_checksummed(path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the tensors, on the CPU, and the text.

    Raises:
        ValueError: the file is missing or damaged, said in words that follow its name.
    """
    if not path.exists():
        raise ValueError("is missing")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            seal = json.loads(file.metadata()[SEAL])
            checksum, text = seal["sha256"], seal["text"]
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = checksum == _checksum(tensors, text)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ValueError(f"cannot be read ({reason_of(error)})") from None
    if not whole:
        raise ValueError("is damaged (its checksum is another)")
    return tensors, text


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk."""
    with suppress(OSError):  # some file systems cannot, and need not
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def reason_of(error: Exception) -> str:
    """Return what an error says, without numbers and prefixes that say nothing to a user.

    >>> reason_of(OSError(28, "No space left on device", "/tmp/file"))
    'No space left on device'
    >>> reason_of(safetensors.SafetensorError("Error while serializing: I/O error: File too large (os error 27)"))
    'File too large'
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = next(iter(str(error).splitlines()), type(error).__name__)
    return text.rpartition("I/O error: ")[2].partition(" (os error")[0].rstrip(".")


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
