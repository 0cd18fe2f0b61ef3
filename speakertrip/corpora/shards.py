"""Corpora of many files in few: tar shards in the layout of WebDataset, with random access by a manifest.

A shard holds a sample after the other, each of two members: ``000000042.flac``, the bytes of the audio file as they
were, and ``000000042.json``, the rows of its utterances. WebDataset streams such shards; here the manifest beside them
says where in its shard each audio file lies (``span``), so that a sampler may ask for any utterance.
"""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from speakertrip.audio import read_header
from speakertrip.errors import AudioError, StorageError, UsageError
from speakertrip.manifests import Utterance, write_manifest
from speakertrip.manifests.lines import FilePath, replacing
from speakertrip.manifests.utterances import as_row

SHARD_BYTES = 10**9
MANIFEST = "manifest.jsonl"


def write_shards(
    utterances: Sequence[Utterance],
    folder: FilePath,
    shard_bytes: int = SHARD_BYTES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Utterance]:
    """Pack the audio of a manifest into ``folder/000000.tar`` and so on, and write ``folder/manifest.jsonl``.

    Audio that several utterances share is packed once. The same manifest gives the same bytes. The manifest is
    written last: where there is none, the shards are not complete.

    Args:
        utterances: a manifest.
        folder: a new or an empty folder.
        shard_bytes: a shard is closed before its samples take more bytes; a single sample may.
        progress: called with (audio files done, audio files in all).

    Returns:
        The rows of the new manifest, in the order of the old one; each states its duration.

    Raises:
        UsageError: the folder holds something, ``shard_bytes`` is not positive, or the audio lies in shards already.
        AudioError: audio is missing or is not audio.
        StorageError: a shard or the manifest cannot be written.
    """
    if shard_bytes < 1:
        raise UsageError(f"A shard needs at least one byte, not {shard_bytes}.")
    groups: dict[Path, list[int]] = {}
    for row, utterance in enumerate(utterances):
        if utterance.span is not None:
            raise UsageError(f"{utterance.id} lies in a shard already ({utterance.path}).")
        groups.setdefault(utterance.path, []).append(row)
    rows = list(utterances)
    with _ShardWriter(_empty(folder), shard_bytes) as shards:
        for number, (path, members) in enumerate(groups.items()):
            described = [_with_duration(utterances[row]) for row in members]
            for row, packed in zip(members, shards.add(number, path, described), strict=True):
                rows[row] = packed
            progress(number + 1, len(groups))
    write_manifest(Path(folder) / MANIFEST, rows)
    return rows


class _ShardWriter:
    """Writes samples to one shard after the other; a shard gets its name when it is complete."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder, self.shard_bytes = folder, shard_bytes
        self.count = 0
        self.tar: tarfile.TarFile | None = None
        self._open = ExitStack()

    def __enter__(self) -> "_ShardWriter":
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    def add(self, number: int, audio: Path, utterances: Sequence[Utterance]) -> list[Utterance]:
        """Write one audio file with its utterances; return them as the new manifest has them."""
        try:
            content = audio.read_bytes()
        except OSError as error:
            raise AudioError(f"Cannot read {audio}: {error.strerror}.") from None
        text = json.dumps([_portable(utterance) for utterance in utterances]).encode()
        members = {audio.suffix.lower() or ".audio": content, ".json": text}
        size = sum(2 * tarfile.BLOCKSIZE + len(each) for each in members.values())
        if self.tar is not None and self.tar.offset + size > self.shard_bytes:
            self._open.close()
            self.tar = None
            self.count += 1
        if self.tar is None:
            temporary = self._open.enter_context(replacing(self._shard))
            tar = tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self.tar = self._open.enter_context(tar)
        first = self.tar.offset + tarfile.BLOCKSIZE
        for suffix, each in members.items():
            info = tarfile.TarInfo(f"{number:09}{suffix}")
            info.size = len(each)
            self.tar.addfile(info, io.BytesIO(each))
        return [replace(u, path=self._shard, span=(first, len(content))) for u in utterances]

    @property
    def _shard(self) -> Path:
        return self.folder / f"{self.count:06}.tar"


def _empty(folder: FilePath) -> Path:
    """Return a folder that is there and empty, made if need be: shards that a manifest names are never replaced."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(f"{path} is not empty; name a new folder for the shards.")
    except OSError as error:
        raise StorageError(f"Cannot use the folder {path}: {error.strerror}.") from None
    return path


def _with_duration(utterance: Utterance) -> Utterance:
    """State the duration, so that nothing need open a shard to learn it."""
    if utterance.duration is not None:
        return utterance
    header = read_header(utterance.path)
    return replace(utterance, duration=header.duration - utterance.start, sample_rate=header.sample_rate)


def _portable(utterance: Utterance) -> dict[str, Any]:
    """Return the row of an utterance without where it lay."""
    row = as_row(utterance, Path())
    return {key: value for key, value in row.items() if key != "path"}
