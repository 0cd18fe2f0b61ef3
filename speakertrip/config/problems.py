"""What is wrong with the entries of a configuration, in words of TOML."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from speakertrip.config.augment import EFFECT_KINDS
from speakertrip.config.frozen import Frozen

REASONS = {  # for what pydantic says in words of Python
    "extra_forbidden": "no such option",
    "missing": "is missing",
    "tuple_type": "must be a list",
    "model_type": "must be a section",
    "model_attributes_type": "must be a section",
    "int_parsing_size": "is too large",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} entries, not {actual_length}",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
    "union_tag_invalid": "there is no kind '{tag}'; take one of {expected_tags}",
}


def first_problem(error: ValidationError, entries: Mapping[str, Any]) -> tuple[str, str]:
    """Return the dotted key of the first problem, empty where it is of the whole, and what is wrong."""
    problem = error.errors()[0]
    key = _dotted(problem["loc"], entries)
    said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    reason = REASONS[problem["type"]].format(**problem.get("ctx", {})) if problem["type"] in REASONS else said
    if problem["type"] == "union_tag_not_found":
        kinds = {"encoder": ("ecapa", "xvector"), "loss": ("constant", "linear", "cosine", "adaptive")}.get(
            key.partition(".")[0], EFFECT_KINDS
        )
        reason = "say which: " + " or ".join(f'kind = "{kind}"' for kind in kinds)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return key, f"{reason}{more}"


def _dotted(location: Sequence[str | int], entries: Any) -> str:
    """Return the key that a path of pydantic's names; it has the kinds of tables among the keys."""
    keys = []
    for part in location:
        if isinstance(entries, dict):
            is_key = part in entries
        else:
            is_key = isinstance(entries, list) and isinstance(part, int) and part < len(entries)
        if is_key:
            entries = entries[part]
        if is_key or part not in _kinds():
            keys.append(str(part))
    return ".".join(keys)


def first_mistaken(entries: Any, config: Frozen) -> tuple[str, str] | None:
    """Return the first entry that pydantic takes for something else, as ``first_problem``; None where it takes none.

    True and text are numbers to it, and some numbers and text are true. Its strict mode would refuse 1e5 steps as well.
    """
    return next(_mistaken(entries, config, ""), None)


def _mistaken(raw: Any, value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(raw, dict) and isinstance(value, Frozen):
        for name, inner in raw.items():
            yield from _mistaken(inner, getattr(value, name), f"{key}.{name}".lstrip("."))
    elif isinstance(raw, list):
        for place, (inner, taken) in enumerate(zip(raw, value, strict=True)):
            yield from _mistaken(inner, taken, f"{key}.{place}")
    elif isinstance(value, bool) and not isinstance(raw, bool):
        yield key, f"must be true or false, not {json.dumps(raw)}"
    elif isinstance(value, int | float) and isinstance(raw, bool | str):
        yield key, f"must be a number, not {json.dumps(raw)}"


def _kinds(model: type[BaseModel] = Frozen) -> set[str]:
    """Names of the kinds of tables, which pydantic puts among the keys of a path."""
    field = model.model_fields.get("kind")
    own = set(get_args(field.annotation)) if field else set()
    return own.union(*(_kinds(each) for each in model.__subclasses__()))
