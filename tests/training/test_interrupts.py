import os
import signal

import pytest

from speakertrip.training.interrupts import interruptible


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_sets_a_flag_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupted:
        assert not interrupted()
        interrupt()
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert signal.getsignal(signal.SIGINT) == before
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_what_an_inner_one_does_not_heed_is_not_lost():
    with interruptible() as outer:
        with interruptible():
            interrupt()
        assert outer()
        with interruptible() as inner:  # begun after it
            assert inner()
            with pytest.raises(KeyboardInterrupt):
                interrupt()
    with interruptible() as another:
        assert not another()
