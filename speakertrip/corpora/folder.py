"""Manifests from folders of audio: ``speaker/session/utterance.wav``, or ``speaker/utterance.wav``."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from speakertrip.audio import AudioHeader, read_header
from speakertrip.audio.codec import AUDIO_SUFFIXES
from speakertrip.errors import AudioError, DataError, counted
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, is_listable

BATCH = 1024  # headers in flight: a million futures at once would fill a gigabyte

Progress: TypeAlias = Callable[[int, int], None]
Skip: TypeAlias = Callable[[AudioError], None]


def build_manifest(
    folder: FilePath, progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Build the manifest of a folder of speaker folders.

    The id of an utterance is its path below the folder, with its extension; the speaker is the first folder
    on that path, the session the folders between, joined by "/" (None where there are none). Hidden files and
    folders are left out. Links are followed, but no folder is read twice.

    Args:
        folder: the folder that holds the speaker folders.
        progress: called with (files done, files in all) as headers are read.
        skip: as of ``read_headers``.

    Returns:
        Utterances with ``duration`` (seconds) and ``sample_rate`` (hertz), sorted by id.

    Raises:
        DataError: the folder cannot be read, holds no audio, or holds audio that lies in no speaker folder.
        AudioError: as ``read_headers``.
    """
    files = find_audio(folder)
    if not files:
        raise DataError(f"{folder} holds no audio ({', '.join(sorted(AUDIO_SUFFIXES))}) in speaker folders.")
    return describe_audio(files, progress, skip)


def find_audio(folder: FilePath, keep: Callable[[str], bool] | None = None) -> dict[str, Path]:
    """Find the audio files below a folder of speaker folders.

    Args:
        folder: the folder that holds the speaker folders.
        keep: tells by its name whether something in the folder is wanted; None: everything is.

    Returns:
        The files by id, in no particular order.

    Raises:
        DataError: a folder cannot be read, audio lies in no speaker folder, or a name cannot stand in a list.
    """
    files = dict(_walk(folder, keep))
    for id_, path in files.items():
        _check_id(id_, os.fspath(path))
    return files


def list_audio(folder: FilePath) -> list[Path]:
    """Return the audio files anywhere below a folder, hidden ones left out, in the order of their paths below it.

    Raises:
        DataError: a folder cannot be read.
    """
    return [path for _, path in sorted(_walk(folder))]


def _walk(folder: FilePath, keep: Callable[[str], bool] | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the audio files below a folder with their paths below it; no folder is read twice."""
    seen: set[tuple[int, int]] = set()
    folders: list[tuple[str, Path]] = [("", Path(folder))]
    # Links wait, so that a file goes by its real name where it has one.
    links: deque[tuple[str, Path]] = deque()
    while folders or links:
        prefix, place = folders.pop() if folders else links.popleft()
        entries = _list_folder(place, seen)
        for entry in entries:
            if entry.name.startswith(".") or not (prefix or keep is None or keep(entry.name)):
                continue
            linked = entry.is_symlink()
            if Path(entry.path).is_dir() if linked else entry.is_dir():
                (links if linked else folders).append((f"{prefix}{entry.name}/", Path(entry.path)))
            elif Path(entry.name).suffix.lower() in AUDIO_SUFFIXES:
                yield prefix + entry.name, Path(entry.path)


def describe_audio(
    files: Mapping[str, Path], progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Make utterances of audio files whose ids say who speaks, and read their headers.

    Args:
        files: paths by id, each id ``speaker/[session/]name``.
        progress: called with (files done, files in all).
        skip: as of ``read_headers``.

    Returns:
        Utterances, sorted by id.

    Raises:
        AudioError: as ``read_headers``.
    """
    return read_headers([_utterance(id_, path) for id_, path in files.items()], progress, skip)


def read_headers(
    utterances: Iterable[Utterance], progress: Progress | None = None, skip: Skip | None = None
) -> list[Utterance]:
    """Read the headers of the utterances' files, several at a time.

    Args:
        utterances: each with a file of its own.
        progress: called with (files done, files in all).
        skip: called with what is wrong with each file that cannot be read or holds no samples, in the order of ids;
            its utterance is left out. None: such files are an error.

    Returns:
        The utterances with ``duration`` (seconds) and ``sample_rate`` (hertz), sorted by id.

    Raises:
        AudioError: some of the files cannot be read or hold no samples, or with ``skip`` all of them; all are tried,
            and the message counts them.
    """
    todo = sorted(utterances, key=lambda utterance: utterance.id)
    described: list[Utterance] = []
    bad: dict[str, AudioError] = {}
    for utterance, header in zip(todo, try_headers([each.path for each in todo], progress), strict=True):
        if isinstance(header, AudioHeader) and header.duration > 0:
            duration = round(header.duration, 6)
            described.append(replace(utterance, duration=duration, sample_rate=header.sample_rate))
        elif isinstance(header, AudioHeader):
            bad[utterance.id] = AudioError(f"{utterance.path} holds no samples.")
        else:
            bad[utterance.id] = header
    if bad and (skip is None or not described):
        raise _refusal(bad, len(todo))
    for error in bad.values():
        if skip:
            skip(error)
    return described


def try_headers(
    paths: Sequence[Path], progress: Progress | None = None
) -> Generator[AudioHeader | AudioError, None, None]:
    """Yield the header of each file, several read at a time, or the error that says why it cannot be read.

    Args:
        paths: the files.
        progress: called with (files done, files in all).
    """
    with ThreadPoolExecutor() as pool:
        for first in range(0, len(paths), BATCH):
            batch = paths[first : first + BATCH]
            for done, header in enumerate(pool.map(_try_header, batch), first + 1):
                if progress:
                    progress(done, len(paths))
                yield header


def _refusal(bad: Mapping[str, AudioError], total: int) -> AudioError:
    names = ", ".join(list(bad)[:3]) + (", ..." if len(bad) > 3 else "")
    advice = "repair or remove them" + (", or leave them out by --skip-bad" if len(bad) < total else "")
    return AudioError(
        f"{len(bad):,} of {counted(total, 'audio file')} cannot be used ({names}); {advice}. "
        f"The first: {next(iter(bad.values()))}"
    )


def _list_folder(place: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """List a folder in the order of names, or nothing where it is among those seen; adds it to them."""
    try:
        stat = place.stat()
        if (stat.st_dev, stat.st_ino) in seen:
            return []
        seen.add((stat.st_dev, stat.st_ino))
        with os.scandir(place) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"Cannot read the folder {place}: {error.strerror}.") from None


def _check_id(id_: str, path: str) -> None:
    if "/" not in id_:
        raise DataError(f"{path} lies in no speaker folder; expected speaker/session/utterance.wav.")
    if not is_listable(id_):
        raise DataError(
            f"The name {path!r} cannot stand in a trial list; rename it to UTF-8 text without tabs, line breaks "
            "or a leading space or '#'."
        )


def _try_header(path: Path) -> AudioHeader | AudioError:
    try:
        return read_header(path)
    except AudioError as error:
        return error


def _utterance(id_: str, path: Path) -> Utterance:
    speaker, *session, _ = id_.split("/")
    return Utterance(id=id_, path=path, speaker=speaker, session="/".join(session) or None)
