"""What all configuration models share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _spelled(name: str) -> str:
    if "\0" in name:
        raise ValueError("a name of a file holds no NUL")
    return name


Probability = Annotated[float, Field(ge=0, le=1)]
Decibels = Annotated[float, Field(ge=-60, le=100)]
Count = Annotated[
    int, Field(le=10**9)
]  # of steps, or of what they use: far beyond any run, and within 32 bits
Width = Annotated[int, Field(le=2**16)]  # of a layer, or of a side of a batch: their products fit in 64 bits
FileName = Annotated[str, Field(min_length=1), AfterValidator(_spelled)]


class Frozen(BaseModel):
    """A model that refuses unknown keys, infinities and changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def ordered(ends: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose ends are the wrong way round; goes into an ``AfterValidator``."""
    if ends[0] > ends[1]:
        raise ValueError("must be [lowest, highest]")
    return ends
