"""Options that belong together, handed to a verb as one object."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, TypeVar, cast

Verb = TypeVar("Verb", bound=Callable[..., Any])


def gathered(kind: type[Any], name: str) -> Callable[[Verb], Verb]:
    """Return a decorator that hands a verb some of its parameters as one.

    It stands below the options that it gathers, so that these may be gathered from what others have gathered.

    Args:
        kind: a dataclass whose fields have the names of the parameters; a verb need not have those with a default.
        name: of the parameter that they become.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> @gathered(Point, "point")
        ... def verb(point: Point, as_json: bool) -> None:
        ...     print(point, as_json)
        >>> verb(x=1, as_json=False)
        Point(x=1, y=0) False
    """
    names = [field.name for field in fields(kind)]

    def decorate(verb: Verb) -> Verb:
        @wraps(verb)  # which keeps the options that click has noted at the verb
        def call(*arguments: Any, **parameters: Any) -> Any:
            some = {each: parameters.pop(each) for each in names if each in parameters}
            return verb(*arguments, **parameters, **{name: kind(**some)})

        return cast(Verb, call)

    return decorate
