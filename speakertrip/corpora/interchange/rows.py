"""What all formats share: rows become utterances, and what an export has no place for is named."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath
from speakertrip.manifests.utterances import MAX_NUMBER, make_utterance

Row = TypeVar("Row")

PLACED = ("id", "path", "speaker", "start", "duration", "span")  # keys that no free field of a format may set
CARRIED = (
    "session",
    "language",
    "sex",
    "sha256",
    "sample_rate",
)  # these go to free fields, by the same names


def build_utterances(
    rows: Iterable[tuple[int, Row]],
    parse: Callable[[Row], Iterable[Mapping[str, Any]]],
    source: FilePath,
    folder: Path,
) -> list[Utterance]:
    """Make the utterances of a file's rows.

    Args:
        rows: (line number, row).
        parse: makes of a row what the manifest would hold, one mapping an utterance; a ValueError of it, whose
            message is a sentence without its full stop, refuses the row.
        source: the file, for messages.
        folder: where relative audio paths begin.

    Raises:
        DataError: a row is refused, an id comes twice, or there is no utterance.
    """
    utterances: list[Utterance] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        try:
            made = [make_utterance(each, folder) for each in parse(row)]
        except ValueError as error:
            raise DataError(f"{source}, line {line}: {error}.") from None
        for utterance in made:
            if utterance.id in seen:
                raise DataError(
                    f"{source}, line {line}: the utterance {utterance.id!r} is already on line "
                    f"{seen[utterance.id]}; ids must be unique."
                )
            seen[utterance.id] = line
        utterances += made
    if not utterances:
        raise DataError(f"{source} holds no utterance.")
    return utterances


def free_fields(row: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """Return the values of a foreign row that its format gives no meaning, save such as would be mistaken."""
    return {key: value for key, value in row.items() if key not in taken and key not in PLACED}


def carried_fields(utterance: Utterance, taken: Collection[str]) -> dict[str, Any]:
    """Return what an utterance holds for the free fields of a format: all but the keys that it has itself."""
    known = {key: getattr(utterance, key) for key in CARRIED}
    return {
        key: value
        for key, value in ({k: v for k, v in known.items() if v is not None} | dict(utterance.extra)).items()
        if key not in taken
    }


def name_rest(title: str, utterances: Sequence[Utterance], held: Collection[str]) -> list[str]:
    """Say in one sentence, or none, which keys of a manifest a format has no place for.

    >>> name_rest("Kaldi", [Utterance("a", Path("a.wav"), "s", session="1", extra={"mood": "good"})], ["sex"])
    ['Kaldi has no place for session, mood.']
    """
    present: dict[str, None] = {}
    for utterance in utterances:
        present |= dict.fromkeys(key for key in CARRIED if getattr(utterance, key) is not None)
        present |= dict.fromkeys(utterance.extra)
    rest = [key for key in present if key not in held]
    return [f"{title} has no place for {', '.join(rest)}."] if rest else []


def text_of(row: Mapping[str, Any], key: str) -> str:
    """Return a value that must be text and not empty.

    Raises:
        ValueError: it is not.
    """
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the key {key!r} is missing, empty, or not text")
    return value


def number_of(row: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """Return a value that must be a number, in seconds or samples, or ``default`` where it is absent.

    Raises:
        ValueError: it is not, or is absent without a default.
    """
    value = row.get(key)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MAX_NUMBER < value < MAX_NUMBER:
        raise ValueError(f"{key!r} must be a number, not {value!r}")
    return value
