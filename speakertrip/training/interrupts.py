"""Ctrl-C ends a run after its step; a second one at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_outer: ContextVar[threading.Event | None] = ContextVar("_outer", default=None)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within it the first Ctrl-C only sets a flag, which the caller reads; the second interrupts.

    Within another one the flag is that of the outer one, so that a Ctrl-C which the inner caller has no more use for
    (it has ended all the same) is not lost.
    """
    outer = _outer.get()
    if outer is not None:
        yield outer.is_set
        return
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # handlers belong to the main thread
        yield asked.is_set
        return

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    token = _outer.set(asked)
    try:
        yield asked.is_set
    finally:
        _outer.reset(token)
        signal.signal(signal.SIGINT, before)
