"""Archives of a small corpus, as tests of unpacking want them."""

import gzip
import io
import tarfile
import zipfile

import numpy as np

NOISE = np.random.default_rng(0).bytes(50_000)
FILES = {
    "LibriSpeech/SPEAKERS.TXT": b"84 | F\n",
    "LibriSpeech/dev-clean/84/1/ü 声.flac": NOISE,
    "empty.txt": b"",
}


def tar_bytes(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("./LibriSpeech/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o6777
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_tar(path, files=FILES):
    path.write_bytes(gzip.compress(tar_bytes(files)))
    return path


def write_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("LibriSpeech") if hasattr(archive, "mkdir") else None
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
