"""Read a configuration from TOML, changed by dotted overrides."""

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from speakertrip.config.frozen import Frozen
from speakertrip.config.kinds import inner, is_another, kind_of, models_of, of_model
from speakertrip.config.train import TrainConfig
from speakertrip.config.tune import TuneSpace
from speakertrip.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=Frozen)

REASONS = {  # for what pydantic says in words of Python
    "extra_forbidden": "no such option",
    "missing": "is missing",
    "tuple_type": "must be a list",
    "model_type": "must be a section",
    "model_attributes_type": "must be a section",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} entries, not {actual_length}",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
    "union_tag_invalid": "there is no kind '{tag}'; take one of {expected_tags}",
}
LARGEST = 1 << 20  # bytes; a device or a wrong file would fill the memory


def read_config(path: str | PathLike[str], overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a training configuration.

    Args:
        path: a TOML file.
        overrides: ``section.key=value`` each, the value in TOML (text needs no quotes). A ``kind`` with other options
            than the one there was empties its section first.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or an entry is unknown or out of range; the message
            names the file and the dotted key.
    """
    return _read(TrainConfig, path, overrides)


def read_space(path: str | PathLike[str]) -> TuneSpace:
    """Read what a search may try; the same errors as of ``read_config``."""
    return _read(TuneSpace, path, ())


def _read(model: type[Model], path: str | PathLike[str], overrides: Sequence[str]) -> Model:
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(f"{path} has over {LARGEST >> 20} MiB; this is no configuration.")
        entries = tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    except RecursionError:
        raise ConfigError(
            f"{path} has brackets too deep within each other; this is no configuration."
        ) from None
    for override in overrides:
        _apply(model, entries, override)
    try:
        return model.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(model, error)}.") from None


def _apply(model: type[Frozen], entries: Any, override: str) -> None:
    dotted, equals, text = override.partition("=")
    *sections, key = dotted.strip().split(".")
    if not equals or not key or not all(sections):
        raise ConfigError(f"The override {override!r} is not of the form section.key=value.")
    field: FieldInfo | None = of_model(model)
    for section in sections:
        below: Any = None
        if isinstance(entries, dict):
            below = entries.setdefault(section, {})
        elif section.isdecimal() and int(section) < len(entries):  # of an array of tables, as augment.chain.0
            below = entries[int(section)]
        if not isinstance(below, dict | list):
            raise ConfigError(f"The override {override!r} goes into {section!r}, which is not a section.")
        field = field and inner(field, kind_of(field, entries), section)
        entries = below
    if not isinstance(entries, dict):
        raise ConfigError(f"The override {override!r} changes an entry of a list; give the whole list.")
    value = _value(text)
    if key == "kind" and field and is_another(field, entries, value):
        entries.clear()  # the options of another kind are not its own
    entries[key] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()


def _first_problem(model: type[Frozen], error: ValidationError) -> str:
    problem = error.errors()[0]
    key, field = _place(model, problem["loc"])
    said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    reason = REASONS[problem["type"]].format(**problem.get("ctx", {})) if problem["type"] in REASONS else said
    if problem["type"] == "union_tag_not_found":
        kinds = [kind for kind, _ in models_of(field)] if field else []
        reason = "say which: " + " or ".join(f'kind = "{kind}"' for kind in kinds)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key or 'the file'}: {reason}{more}"


def _place(model: type[Frozen], parts: Sequence[str | int]) -> tuple[str, FieldInfo | None]:
    """Return the dotted key of a place that pydantic names, and its field; kinds are no keys but stand among them."""
    field: FieldInfo | None = of_model(model)
    kind, keys = None, []
    for part in parts:
        if field and field.discriminator and kind is None:
            kind = part
            continue
        keys.append(str(part))
        field, kind = field and inner(field, kind, part), None
    return ".".join(keys), field
