"""Values of utterances by the name of their key in the manifest, known or not."""

from collections.abc import Iterable

from speakertrip.errors import DataError
from speakertrip.manifests import Utterance
from speakertrip.manifests.utterances import KEYS


def value_of(utterance: Utterance, key: str) -> str | None:
    """Return what an utterance has under a key, as text; None where it has nothing.

    >>> from pathlib import Path
    >>> utterance = Utterance("1", Path("1.wav"), "s", sample_rate=16_000, extra={"corpus": "vctk"})
    >>> value_of(utterance, "corpus"), value_of(utterance, "sample_rate"), value_of(utterance, "sex")
    ('vctk', '16000', None)
    """
    value = getattr(utterance, key) if key in KEYS else utterance.extra.get(key)
    return None if value is None else str(value)


def require_keys(utterances: Iterable[Utterance], keys: Iterable[str]) -> None:
    """Check that some utterance has each of the keys.

    Raises:
        DataError: none has.
    """
    for key in keys:
        if all(value_of(utterance, key) is None for utterance in utterances):
            raise DataError(f"No utterance of the manifest has the key {key!r}.")
