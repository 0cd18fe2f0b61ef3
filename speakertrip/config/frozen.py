"""What all configuration models share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Decibels = Annotated[float, Field(ge=-60, le=100)]


class Frozen(BaseModel):
    """A model that refuses unknown keys, infinities and changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def ordered(ends: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose ends are the wrong way round; goes into an ``AfterValidator``."""
    if ends[0] > ends[1]:
        raise ValueError("must be [lowest, highest]")
    return ends
