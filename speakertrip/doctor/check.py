"""One check: what was found, whether that is well, and what to do where it is not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from speakertrip.errors import SpeakertripError, StorageError

INTERNAL = 70
Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing.

    Attributes:
        name: of the thing.
        status: "ok"; "warning": it works, or is not needed by everybody; "failed": it does not work.
        found: in words.
        advice: what to do; empty where nothing is to be done.
        exit_code: of the kind of failure; 0 where nothing failed.
    """

    name: str
    status: Status
    found: str
    advice: str = ""
    exit_code: int = 0

    @classmethod
    def failed(cls, name: str, error: BaseException, advice: str = "") -> "Check":
        """Make a failure of an error; whatever the package does not raise on purpose is an internal one."""
        if isinstance(error, SpeakertripError):
            return cls(name, "failed", str(error), advice, error.exit_code)
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            return cls(name, "failed", f"The system refused: {error}.", advice, StorageError.exit_code)
        return cls(name, "failed", f"{type(error).__name__}: {_first_line(error)}", advice, INTERNAL)


def guarded(name: str, check: Callable[[], Iterable[Check]]) -> list[Check]:
    """Return what a check finds; where it fails in any way of its own, that it did.

    >>> guarded("division", lambda: [Check("ratio", "ok", str(1 / 0))])[0].found
    'ZeroDivisionError: division by zero'
    """
    try:
        return list(check())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a library may end in a panic, or by SystemExit
        return [Check.failed(name, error)]


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "no reason is given")
