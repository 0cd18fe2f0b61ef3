import os
import signal

import pytest

from speakertrip.training.interrupts import SIGNALS, interruptible


class Second(Exception):  # noqa: N818
    """What the handler from before does."""


@pytest.fixture
def before():
    """Handlers that raise, in the place of those that end the process."""

    def handler(number, frame):
        raise Second

    old = {number: signal.signal(number, handler) for number in SIGNALS}
    yield handler
    for number, each in old.items():
        signal.signal(number, each)


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_first_sets_a_flag_and_the_second_does_what_it_did_before(before, first, second):
    with pytest.raises(Second), interruptible() as interrupted:  # noqa: PT012
        assert not interrupted()
        os.kill(os.getpid(), first)
        assert interrupted()
        os.kill(os.getpid(), second)
    assert [signal.getsignal(number) for number in SIGNALS] == [before] * len(SIGNALS)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no hangup")
def test_a_hangup_that_is_ignored_stays_so_but_an_interrupt_is_meant(before):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does in the background
    with interruptible() as interrupted:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not interrupted()
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
    assert signal.getsignal(signal.SIGHUP) == signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_what_an_inner_one_does_not_heed_is_not_lost(before):
    with interruptible() as outer:
        with interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
        assert outer()
        with interruptible() as inner:  # begun after it
            assert inner()
            with pytest.raises(Second):
                os.kill(os.getpid(), signal.SIGTERM)
    with interruptible() as another:
        assert not another()
