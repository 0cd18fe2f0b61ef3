"""What an application gives: recordings, one or several, and names; refused in words where they are something else."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, TypeAlias

from speakertrip.audio import AudioBytes, AudioSource, Recording
from speakertrip.audio.source import AudioSpan
from speakertrip.enrollment import check_name
from speakertrip.errors import UsageError
from speakertrip.manifests import Utterance

# An utterance may be a stretch of a file; a recording that is loaded already is not loaded again.
Speech: TypeAlias = AudioSource | Utterance | Recording
KINDS = (str, PathLike, AudioBytes, AudioSpan, Utterance, Recording)


def listed(files: Speech | Sequence[Speech]) -> list[Speech]:
    """Return recordings as a list; one by itself is a list of one.

    Raises:
        UsageError: one of them is none.

    >>> listed("a.wav"), listed(("a.wav", "b.wav"))
    (['a.wav'], ['a.wav', 'b.wav'])
    """
    given: Any = files
    found = list(given) if isinstance(given, Iterable) and not _is_speech(given) else [given]
    for each in found:
        if not _is_speech(each):
            raise UsageError(
                "A recording is a path, AudioBytes, an open file, an Utterance or a Recording, not "
                f"{type(each).__name__}."
            )
    return found


def _is_speech(given: object) -> bool:
    return isinstance(given, KINDS) or hasattr(given, "read")


def named(name: str) -> str:
    """Return the name of a speaker as it is stored.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(name, str):
        raise UsageError(f"The name of a speaker is a text, not {type(name).__name__}.")
    return check_name(name)
