"""Read a configuration from TOML, changed by dotted overrides."""

import re
import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from speakertrip.config.frozen import Frozen
from speakertrip.config.kinds import inner, is_another, kind_of, of_model
from speakertrip.config.problems import first_mistaken, first_problem
from speakertrip.config.train import TrainConfig
from speakertrip.config.tune import TuneSpace
from speakertrip.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=Frozen)

LARGEST = 1 << 20  # bytes; a device or a wrong file would fill the memory
NUMBER = re.compile(r"[+-]?(\d+\.|\.\d+)([eE][+-]?\d+)?")  # as many write it, and TOML does not
SHOWN = 60  # characters of an override in a message


def read_config(path: str | PathLike[str], overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a training configuration.

    Args:
        path: a TOML file.
        overrides: ``section.key=value`` each, the value in TOML (text needs no quotes). A ``kind`` with other options
            than the one there was empties its section first.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or an entry is unknown or out of range; the message
            names the override that gave it, or the file, and the dotted key.
    """
    return _read(TrainConfig, "configuration", path, overrides)


def read_space(path: str | PathLike[str]) -> TuneSpace:
    """Read what a search may try; the same errors as of ``read_config``."""
    return _read(TuneSpace, "search space", path, ())


def _read(model: type[Model], what: str, path: str | PathLike[str], overrides: Sequence[str]) -> Model:
    entries = _parse(path, what)
    for override in overrides:
        _apply(model, entries, override)
    try:
        config = model.model_validate(entries)
    except ValidationError as error:
        key, reason = first_problem(model, error)
    else:
        found = first_mistaken(entries, config)
        if found is None:
            return config
        key, reason = found
    where = _where(path, overrides, key)
    raise ConfigError(f"{where}: {key}: {reason}." if key else f"{where}: {reason}.")


def _parse(path: str | PathLike[str], what: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(f"{path} has over {LARGEST >> 20} MiB; this is no {what}.")
    except OSError as error:
        raise ConfigError(f"Cannot read the {what} {path}: {error.strerror}.") from None
    try:
        entries: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
        return entries
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    except RecursionError:
        raise ConfigError(f"{path} has brackets too deep within each other; this is no {what}.") from None
    except ValueError:  # of Python
        raise ConfigError(f"{path} holds a number of thousands of digits; write a shorter one.") from None


def _apply(model: type[Frozen], entries: Any, override: str) -> None:
    dotted, equals, text = override.partition("=")
    *sections, key = _parts(dotted)
    if not equals or not key or not all(sections):
        raise ConfigError(f"{_option(override)} is not of the form section.key=value.")
    field: FieldInfo | None = of_model(model)
    for section in sections:
        below: Any = None
        if isinstance(entries, dict):
            below = entries.setdefault(section, {})
        elif section.isdecimal() and int(section) < len(entries):  # of an array of tables, as augment.chain.0
            below = entries[int(section)]
        if not isinstance(below, dict | list):
            raise ConfigError(
                f"{_option(override)} goes into {section!r}, which is not a section; give the whole of it, as "
                f"{section}={{...}}."
            )
        field = field and inner(field, kind_of(field, entries), section)
        entries = below
    if not isinstance(entries, dict):
        raise ConfigError(f"{_option(override)} changes an entry of a list; give the whole list.")
    value = _value(override, text)
    if key == "kind" and field and is_another(field, entries, value):
        entries.clear()  # the options of another kind are not its own
    entries[key] = value


def _value(override: str, text: str) -> Any:
    """Return what the text of an override stands for: a value of TOML, or itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:  # that of Python, too, of thousands of digits
        if text.strip().startswith(("[", "{", '"', "'")):
            raise ConfigError(f"The value of {_option(override)} is not TOML: {error}.") from None
        return float(text) if NUMBER.fullmatch(text.strip()) else text.strip()
    if len(parsed) > 1:  # after a line break
        raise ConfigError(f"{_option(override)} gives more than one key; take a --set for each.")
    return parsed["value"]


def _parts(dotted: str) -> list[str]:
    return dotted.strip().split(".")


def _option(override: str) -> str:
    return f"--set {override if len(override) <= SHOWN else f'{override[:SHOWN]}...'!r}"


def _where(path: str | PathLike[str], overrides: Sequence[str], key: str) -> str:
    """Say what gave an entry: an override, or the file; of a whole section, the file and what changed it."""
    keys = _parts(key) if key else []
    given = [(_option(override), _parts(override.partition("=")[0])) for override in overrides]
    blamed = [option for option, its_keys in given if its_keys == keys[: len(its_keys)]]
    if blamed:
        return blamed[-1]  # the last one counts
    below = [option for option, its_keys in given if keys == its_keys[: len(keys)]]
    return f"{path} with {' '.join(below)}" if below else str(path)
