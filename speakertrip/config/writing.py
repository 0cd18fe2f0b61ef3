"""Write a configuration as TOML."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from speakertrip.config.frozen import Frozen

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(config: Frozen) -> str:
    r"""Return TOML that reads back as the same configuration: what was set in it, or all where that says too little.

    Examples:
        >>> from speakertrip.config import TrainConfig
        >>> print(to_toml(TrainConfig.model_validate({"seed": 3, "loss": {"margin": 0.4}})))
        seed = 3
        <BLANKLINE>
        [loss]
        kind = "triplet"
        <BLANKLINE>
        [loss.margin]
        kind = "constant"
        value = 0.4
    """
    entries = config.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    if not _says(entries, config):  # a part that was made in Python need not name its kind
        entries = config.model_dump(mode="json", exclude_none=True)
    return "\n".join(_table(entries, "")).strip()


def _says(entries: dict[str, Any], config: Frozen) -> bool:
    try:
        return type(config).model_validate(entries) == config
    except ValueError:
        return False


def _table(entries: Mapping[str, Any], name: str) -> Iterator[str]:
    sections = {key: value for key, value in entries.items() if isinstance(value, dict)}
    values = [f"{_key(key)} = {_value(value)}" for key, value in entries.items() if key not in sections]
    if name and (values or not sections):
        yield f"\n[{name}]"
    yield from values
    for key, inner in sections.items():
        yield from _table(inner, f"{name}.{_key(key)}" if name else _key(key))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # Strings of JSON are strings of TOML but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
