"""Several processes at the trials of a tune."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from typing import Any

from speakertrip.errors import SpeakertripError, TrainingError
from speakertrip.training.interrupts import interruptible

LOOK_EVERY = 0.2  # seconds


def work_together(work: Callable[[Any], None], plan: object, jobs: int, threads: int | None) -> None:
    """Run ``work(plan)`` in several processes until all have ended.

    Ctrl-C reaches all, once; so does the end of one that raised something or was killed.

    Args:
        work: a function of a module; on an interrupt it saves and returns.
        plan: what it works on; it is pickled on its way.
        jobs: how many processes.
        threads: CPU threads of each; None: all cores, shared among them.

    Raises:
        SpeakertripError: the first that a process raised.
        TrainingError: a process was killed, or raised something else, which it has printed.
    """
    context = get_context("spawn")  # threads of torch do not survive a fork
    errors: SimpleQueue[SpeakertripError] = context.SimpleQueue()
    share = threads or max(1, (os.cpu_count() or 1) // jobs)
    processes = [context.Process(target=_begin, args=(work, plan, share, errors)) for _ in range(jobs)]
    try:
        with interruptible() as interrupted:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: what comes too early waits
            for process in processes:
                process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            told = False
            while running := [process for process in processes if process.is_alive()]:
                if not told and (interrupted() or _codes(processes) or not errors.empty()):
                    told = True
                    for process in running:
                        with suppress(ProcessLookupError):  # it has just ended
                            os.kill(process.pid or 0, signal.SIGINT)
                wait([process.sentinel for process in running], LOOK_EVERY)
    finally:
        for process in processes:
            if process.is_alive():  # after a second Ctrl-C
                process.terminate()
    if not errors.empty():
        raise errors.get()
    if codes := _codes(processes):
        raise TrainingError(f"A process of the tune ended with code {codes[0]}; the same command goes on.")


def _codes(processes: Sequence[BaseProcess]) -> list[int]:
    """Return the exit codes of those that failed."""
    return [process.exitcode for process in processes if process.exitcode]


def _begin(
    work: Callable[[Any], None], plan: object, threads: int, errors: "SimpleQueue[SpeakertripError]"
) -> None:
    import torch

    os.setsid()  # a Ctrl-C of the terminal reaches the parent alone, which tells all
    torch.set_num_threads(threads)
    # A shell has it ignored by what it runs in the background; the parent means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        work(plan)
    except SpeakertripError as error:
        errors.put(error)
    except KeyboardInterrupt:  # before the first training; nothing is lost
        pass
