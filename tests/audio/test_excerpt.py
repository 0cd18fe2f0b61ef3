import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import SAMPLE_RATE, find_speech
from speakertrip.audio import excerpt as excerpt_module
from speakertrip.audio.excerpt import middles_of_speech

SAMPLES = 10 * SAMPLE_RATE


def active_samples(stretches) -> np.ndarray:
    """Return where there is speech, sample by sample."""
    active = np.zeros(SAMPLES, bool)
    for start, end in stretches:
        active[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    return active


@given(
    edges=st.lists(st.integers(0, 1000), min_size=2, max_size=10, unique=True),
    seconds=st.floats(0.4, 9.0),
)
def test_it_holds_so_much_speech_and_leaves_as_much_on_either_side(edges, seconds):
    edges = sorted(edges)[: len(edges) // 2 * 2]
    speech = [(start / 100, end / 100) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    numbered = np.arange(SAMPLES, dtype=np.float32)  # each sample says where it was
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excerpt_module, "find_speech", lambda waveform: speech)
        (piece,) = middles_of_speech(numbered, [seconds])
    active = active_samples(speech)
    if active.sum() <= seconds * SAMPLE_RATE:
        assert piece is None
        return
    first, end = int(piece[0]), int(piece[-1]) + 1
    assert len(piece) == end - first
    assert active[first:end].sum() == pytest.approx(seconds * SAMPLE_RATE, abs=2)
    assert active[:first].sum() == pytest.approx(active[end:].sum(), abs=3)


def test_of_audio(speech_like):
    waveform = np.concatenate([np.zeros(SAMPLE_RATE), speech_like(8.0), np.zeros(SAMPLE_RATE)])
    speech = active_samples(find_speech(waveform))
    (piece,) = middles_of_speech(waveform, [2.0])
    start = next(s for s in range(SAMPLES) if np.array_equal(waveform[s : s + 400], piece[:400]))
    np.testing.assert_array_equal(waveform[start:][: len(piece)], piece)
    assert speech[start:][: len(piece)].sum() == pytest.approx(2 * SAMPLE_RATE, abs=2)


@pytest.mark.parametrize("waveform", [np.zeros(SAMPLES, np.float32), np.zeros(0, np.float32)])
def test_without_speech_there_is_none(waveform):
    assert middles_of_speech(waveform, [0.5, 1.0]) == [None, None]


def test_several_lengths_are_as_one_alone_and_the_speech_is_found_once(speech_like, monkeypatch):
    waveform, calls = speech_like(4.0), []
    alone = [middles_of_speech(waveform, [seconds])[0] for seconds in (1.0, 0.5, 9.0)]
    monkeypatch.setattr(excerpt_module, "find_speech", lambda wave: calls.append(0) or find_speech(wave))
    short, shorter, none = middles_of_speech(waveform, [1.0, 0.5, 9.0])
    assert (len(calls), none, alone[2]) == (1, None, None)
    np.testing.assert_array_equal(short, alone[0])
    np.testing.assert_array_equal(shorter, alone[1])
