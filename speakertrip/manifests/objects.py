"""A JSON object as the standard has it: no NaN, and no key twice."""

import json
from collections import Counter
from typing import Any, NoReturn


def parse_object(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Python would read NaN and Infinity, which JSON does not have, and keep the last value of a key that comes twice.

    Raises:
        ValueError: the text is no JSON object, or a key comes more than once in it; the message is a sentence without
            its full stop.

    >>> parse_object('{"a": {"b": 1}}')
    {'a': {'b': 1}}
    >>> parse_object('{"a": {"b": 1, "b": 2}}')
    Traceback (most recent call last):
    ValueError: the key 'b' comes more than once
    """
    try:
        value = _DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {key!r} comes more than once")
    return row


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)
