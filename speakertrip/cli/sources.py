"""The audio that a verb is given: files, folders of them, and standard input."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from speakertrip.errors import AudioError, DataError, UsageError

if TYPE_CHECKING:
    from speakertrip.audio import AudioSource

STDIN = "-"


def expand_folders(files: Sequence[str]) -> list[str]:
    """Return audio files as they are, and in the place of a folder the audio files below it, by their paths there.

    Hidden files are left out. A folder without audio, or that cannot be read, stays: ``audio_source`` says what is
    wrong with it, as with any other file that cannot be used.

    Raises:
        UsageError: standard input (``-``) is among the files twice.
    """
    require_one_stdin(files)
    return [each for file in files for each in (_audio_in(file) if _is_folder(file) else [file])]


def require_one_stdin(files: Sequence[str]) -> None:
    """Check that at most one of the files is ``-``.

    Raises:
        UsageError: there are more.
    """
    if files.count(STDIN) > 1:
        raise UsageError("Standard input (-) can be read once in a call; name files for the rest.")


def audio_source(file: str) -> "AudioSource":
    """Return what a file on the command line stands for; ``-`` is standard input, which is read here.

    Raises:
        AudioError: standard input is closed, too long, or cannot be read; or a folder holds no audio.
    """
    if file != STDIN:
        if _is_folder(file):
            raise _no_audio_in(file)
        return file
    from speakertrip.audio import read_stream

    if sys.stdin is None:
        raise AudioError("Standard input is closed; name a file instead of -.")
    return read_stream(sys.stdin.buffer, "Standard input")


def require_files(files: Sequence[str]) -> None:
    """Check that files are there, before a model is loaded; whether they hold audio is seen later.

    Raises:
        AudioError: one is no regular file, or a folder that holds no audio.
    """
    from speakertrip.audio.source import require_file

    for file in files:
        if file != STDIN:
            audio_source(file)
            require_file(file)


def _is_folder(file: str) -> bool:
    try:
        return file != STDIN and Path(file).is_dir()
    except (OSError, ValueError):  # too long for a path, or not one
        return False


def _audio_in(folder: str) -> list[str]:
    from speakertrip.corpora.folder import list_audio

    try:
        return [str(path) for path in list_audio(folder)] or [folder]
    except DataError:
        return [folder]


def _no_audio_in(folder: str) -> AudioError:
    from speakertrip.audio.codec import AUDIO_SUFFIXES
    from speakertrip.corpora.folder import list_audio

    try:
        list_audio(folder)
    except DataError as error:
        return AudioError(str(error))
    return AudioError(f"The folder {folder} holds no audio ({', '.join(sorted(AUDIO_SUFFIXES))}).")
