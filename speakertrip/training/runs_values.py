"""Values of JSON of which nothing is known beforehand: files of runs may be old, torn or changed by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

LAST_STEP = 2**53  # what is beyond is no step of a run, and no float counts it


def finite_number(value: Any) -> float | None:
    """Return a value of JSON as a float if it is a finite number; else None.

    >>> finite_number(3), finite_number(True), finite_number(float("nan")), finite_number(10**400)
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # of an integer of hundreds of digits
        return None
    return number if math.isfinite(number) else None


def interval_of(value: Any) -> list[float] | None:
    """Return a value of JSON as two floats if it is a list of two finite numbers; else None.

    >>> interval_of([0.1, 1]), interval_of([0.1]), interval_of("wide")
    ([0.1, 1.0], None, None)
    """
    ends = [finite_number(end) for end in value] if isinstance(value, list) else []
    return [end for end in ends if end is not None] if len(ends) == 2 and None not in ends else None


def costs_of(value: Any) -> dict[str, float]:
    """Return the finite numbers of a table by name; of anything else, nothing."""
    costs = {name: finite_number(cost) for name, cost in value.items()} if isinstance(value, dict) else {}
    return {name: cost for name, cost in costs.items() if cost is not None}


def section_of(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a section of a configuration; an empty one where there is none."""
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def went_on_from(starts: Sequence[Mapping[str, Any]]) -> int:
    """Return the steps that were done when a run was started last, as far as ``run.json`` tells; else 0.

    >>> went_on_from([{"step": 0}, {"step": 12}]), went_on_from([{"step": "x"}]), went_on_from([])
    (12, 0, 0)
    """
    step = finite_number(starts[-1].get("step")) if starts else None
    return int(step) if step and 0 < step < LAST_STEP else 0


def flatten(entries: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return the entries of nested sections by dotted key.

    >>> flatten({"a": {"b": 1, "c": [2]}, "d": {}})
    {'a.b': 1, 'a.c': [2], 'd': {}}
    """
    flat: dict[str, Any] = {}
    for key, value in entries.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat
