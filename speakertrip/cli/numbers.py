"""Numbers that options take, and what is said of those that are none."""

import math
from decimal import Decimal
from typing import Any

import click


class Share(click.FloatRange):
    """A number between 0 and 1, and neither, as a fraction or in percent."""

    kind, example = "number", "1% or 0.01"

    def __init__(self) -> None:
        super().__init__(0, 1, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read ``0.001`` or ``0.1%``; in decimals, so that both are the same number."""
        number, sign, rest = str(value).strip().partition("%")
        try:
            share = float(Decimal(number.strip()) / (100 if sign else 1))
        except (ArithmeticError, ValueError):
            share = math.nan
        if rest or not 0 < share < 1:
            self.fail(f"{value!r} is no {self.kind} between 0 and 1, such as {self.example}.", param, ctx)
        return share


class Prior(Share):
    """The probability of a target trial."""

    name, kind = "prior", "probability"


class Rate(Share):
    """A rate of errors."""

    name, kind, example = "rate", "rate", "0.1% or 0.001"


class Finite(click.types.FloatParamType):
    """A number that is neither infinite nor NaN, by which everybody or nobody would be accepted."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number.", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


class Cost(click.FloatRange):
    """A cost above 0, and finite."""

    def __init__(self) -> None:
        super().__init__(0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        cost: float = super().convert(Finite().convert(value, param, ctx), param, ctx)
        return cost


class Seconds(click.types.StringParamType):
    """Lengths in seconds, apart by commas, or "none"."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read ``0.5,1,2``: each once, ascending."""
        if str(value).strip() == "none":
            return ()
        numbers = {Finite().convert(part, param, ctx) for part in str(value).split(",")}
        return tuple(sorted(numbers))
