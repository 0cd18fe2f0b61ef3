"""What is wrong with the entries of a configuration, in words of TOML."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from speakertrip.config.frozen import Frozen
from speakertrip.config.kinds import inner, models_of, of_model

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


def first_problem(model: type[Frozen], error: ValidationError) -> tuple[str, str]:
    """Return the dotted key of the first problem, empty where it is of the whole, and what is wrong."""
    problem = error.errors()[0]
    key, field = _place(model, problem["loc"])
    said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    reason = REASONS[problem["type"]].format(**problem.get("ctx", {})) if problem["type"] in REASONS else said
    if problem["type"] == "union_tag_not_found":
        kinds = [kind for kind, _ in models_of(field)] if field else []
        reason = "say which: " + " or ".join(f'kind = "{kind}"' for kind in kinds)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return key, f"{reason}{more}"


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
    elif isinstance(value, bool):
        if not isinstance(raw, bool):
            yield key, f"must be true or false, not {json.dumps(raw)}"
    elif isinstance(value, int | float) and isinstance(raw, bool | str):
        yield key, f"must be a number, not {json.dumps(raw)}"
