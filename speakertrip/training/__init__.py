"""Training: one loop that reads from top to bottom, and the parts that it calls."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakertrip.training.group import process_group
    from speakertrip.training.loop import train
    from speakertrip.training.record import StepRecord

# Resolved at first use, so that run folders are read without torch.
_HOMES = {"StepRecord": "record", "process_group": "group", "train": "loop"}

__all__ = ["StepRecord", "process_group", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
