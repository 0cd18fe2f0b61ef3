import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import SAMPLE_RATE, find_speech
from speakertrip.audio import windows as windows_module
from speakertrip.audio.windows import LONGEST, MARGIN, WINDOW, WINDOWING, find_windows


def with_speech(seconds: float, stretches: list[tuple[float, float]], speech_like) -> np.ndarray:
    """Return quiet noise with speech in it."""
    waveform = 1e-3 * np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))
    for start, end in stretches:
        waveform[round(start * SAMPLE_RATE) :][: round((end - start) * SAMPLE_RATE)] += speech_like(
            end - start
        )
    return waveform.astype(np.float32)


@pytest.mark.parametrize("samples", [1, WINDOW, LONGEST])
def test_what_is_short_is_one(samples):
    found = find_windows(np.ones(samples, np.float32))
    assert (found.starts.tolist(), found.length, found.shares.tolist()) == ([0], samples, [1.0])


@pytest.mark.parametrize("silence", [0.2, 2.0, 100.0])
def test_silence_at_the_ends_is_left_out_but_for_a_margin(speech_like, silence):
    speech = speech_like(5.0, 3)
    waveform = np.pad(speech, round(silence * SAMPLE_RATE))
    found, stretches = find_windows(waveform), find_speech(waveform)
    begin = max(0, round(stretches[0][0] * SAMPLE_RATE) - MARGIN)
    end = min(len(waveform), round(stretches[-1][1] * SAMPLE_RATE) + MARGIN)
    assert (found.starts.tolist(), found.length) == ([begin], end - begin)
    assert found.length <= len(speech) + 2 * MARGIN + SAMPLE_RATE // 10


def test_what_is_mostly_pauses_is_heard_in_windows(speech_like):
    pauses = with_speech(20.0, [(1.0, 4.0), (16.0, 19.0)], speech_like)
    assert len(find_windows(pauses).starts) > 1
    assert not any(5.0 < start / SAMPLE_RATE < 11.0 for start in find_windows(pauses).starts)
    assert len(find_windows(with_speech(20.0, [(1.0, 9.0), (13.0, 19.0)], speech_like)).starts) == 1


def test_each_window_counts_by_the_speech_in_it(speech_like):
    """Samples counted one by one."""
    waveform = with_speech(47.3, [(1.0, 5.5), (20.0, 31.0), (46.0, 47.0)], speech_like)
    active = np.zeros(len(waveform), bool)
    for start, end in find_speech(waveform):
        active[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    found = find_windows(waveform)
    counts = [np.count_nonzero(active[start : start + WINDOW]) for start in found.starts]
    np.testing.assert_allclose(found.seconds, np.array(counts) / SAMPLE_RATE, atol=1e-3)
    assert found.shares.sum() == pytest.approx(1)
    pieces = found.of(waveform)
    assert [len(piece) for piece in pieces] == [WINDOW] * len(found.starts)
    np.testing.assert_array_equal(pieces[-1], waveform[found.starts[-1] :][:WINDOW])
    assert not any(8.0 < start / SAMPLE_RATE < 15.0 for start in found.starts)  # the pause counts nothing


@pytest.mark.parametrize("waveform", [np.zeros(LONGEST + 1), np.full(LONGEST * 2, 0.3)])
def test_without_speech_all_windows_count_alike(waveform):
    found = find_windows(waveform.astype(np.float32))
    assert len(found.starts) == -(-len(waveform) // WINDOW)
    assert len(set(found.shares)) == 1


@given(samples=st.integers(LONGEST + 1, 4 * LONGEST), stretches=st.lists(st.floats(0, 120), max_size=12))
def test_windows_cover_all_speech_and_lie_within(samples, stretches):
    length = samples / SAMPLE_RATE
    edges = sorted({min(edge, length) for edge in stretches})
    speech = list(zip(edges[::2], edges[1::2], strict=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows_module, "find_speech", lambda waveform: speech)
        found = find_windows(np.zeros(samples, np.float32))
    assert found.starts[0] >= 0
    assert found.starts[-1] + found.length <= samples
    assert (np.diff(found.starts) > 0).all()
    assert (found.seconds > 0).all()
    assert (found.seconds <= found.length / SAMPLE_RATE + 1e-6).all()
    assert found.length == WINDOW or (len(found.starts) == 1 and found.length <= LONGEST)
    assert len(found.starts) <= -(-samples // WINDOW)
    if speech:
        assert found.seconds.sum() >= sum(end - start for start, end in speech) - 1e-6


def test_what_is_found_is_that_of_the_number(speech_like):
    """Where this fails because what is found has changed: raise ``WINDOWING``, and write here what is found now."""
    assert WINDOWING == 2
    for seconds, stretches, starts, length in (
        (8.0, [(2.0, 5.0)], [19_000], 73_280),
        (20.0, [(1.0, 4.0), (16.0, 19.0)], [3_000, 252_280], 64_000),
        (33.0, [(3.0, 29.0)], [35_000], 439_360),
    ):
        found = find_windows(with_speech(seconds, stretches, speech_like))
        assert (found.starts.tolist(), found.length) == (starts, length)
