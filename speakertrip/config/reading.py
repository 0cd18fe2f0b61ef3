"""Read a configuration from TOML, changed by dotted overrides."""

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from speakertrip.config.augment import EFFECT_KINDS
from speakertrip.config.frozen import Frozen
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
        overrides: ``section.key=value`` each, the value in TOML (text needs no quotes). Another ``kind`` empties
            its section first.

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
    for override in overrides:
        _apply(entries, override)
    try:
        return model.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problem(error)}.") from None


def _apply(entries: Any, override: str) -> None:
    dotted, equals, text = override.partition("=")
    *sections, key = dotted.strip().split(".")
    if not equals or not key or not all(sections):
        raise ConfigError(f"The override {override!r} is not of the form section.key=value.")
    for section in sections:
        inner: Any = None
        if isinstance(entries, dict):
            inner = entries.setdefault(section, {})
        elif section.isdecimal() and int(section) < len(entries):  # of an array of tables, as augment.chain.0
            inner = entries[int(section)]
        if not isinstance(inner, dict | list):
            raise ConfigError(f"The override {override!r} goes into {section!r}, which is not a section.")
        entries = inner
    if not isinstance(entries, dict):
        raise ConfigError(f"The override {override!r} changes an entry of a list; give the whole list.")
    if key == "kind" and entries.get("kind", text) != text:
        entries.clear()  # the options of another kind are not its own
    try:
        entries[key] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        entries[key] = text.strip()


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"] if part not in _kinds())
    said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    reason = REASONS[problem["type"]].format(**problem.get("ctx", {})) if problem["type"] in REASONS else said
    if problem["type"] == "union_tag_not_found":
        kinds = {"encoder": ("ecapa", "xvector"), "loss": ("constant", "linear", "cosine", "adaptive")}.get(
            key.partition(".")[0], EFFECT_KINDS
        )
        reason = "say which: " + " or ".join(f'kind = "{kind}"' for kind in kinds)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key or 'the file'}: {reason}{more}"


def _kinds(model: type[BaseModel] = Frozen) -> set[str]:
    """Names of the kinds of tables, which pydantic puts among the keys of a path."""
    field = model.model_fields.get("kind")
    own = set(get_args(field.annotation)) if field else set()
    return own.union(*(_kinds(each) for each in model.__subclasses__()))
