"""Ctrl-C, or a signal that asks to end, ends a run after its step; a second one at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_outer: ContextVar[threading.Event | None] = ContextVar("_outer", default=None)
# SIGTERM comes from clusters and torchrun, SIGHUP from a terminal that is closed; Windows has no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within it the first of ``SIGNALS`` only sets a flag, which the caller reads; the second does what it would do.

    A signal that is ignored, as a hangup under ``nohup``, stays so. Within another one the flag is that of the outer
    one, so that a signal which the inner caller has no more use for (it has ended all the same) is not lost.
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
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {}
    for number in SIGNALS:
        handler = signal.getsignal(number)
        # A shell has Ctrl-C ignored by what it runs in the background; one that is sent there is meant all the same.
        if handler is not None and (handler != signal.SIG_IGN or number == signal.SIGINT):
            before[number] = handler
    for number in before:
        signal.signal(number, ask)
    token = _outer.set(asked)
    try:
        yield asked.is_set
    finally:
        _outer.reset(token)
        restore()
