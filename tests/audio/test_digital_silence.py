import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import SAMPLE_RATE
from speakertrip.audio.activity import frame_levels
from speakertrip.audio.digital_silence import BELOW_LOUDEST_DB, SHORTEST, without_digital_silence
from speakertrip.embedding import Embedder

ENDS = 560  # samples that may stay at an end of silence: a frame, and a hop


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


@given(
    st.lists(st.tuples(st.integers(8_000, 20_000), st.integers(2_000, 30_000)), min_size=1, max_size=4),
    st.floats(1e-3, 1e3),
)
def test_zeros_are_left_out_and_nothing_else(parts, gain):
    sound = noise(sum(loud for loud, _ in parts) / SAMPLE_RATE, gain)
    pieces, at = [], 0
    for loud, silent in parts:
        pieces += [sound[at : at + loud], np.zeros(silent, np.float32)]
        at += loud
    found = without_digital_silence(np.concatenate(pieces))
    assert len(sound) <= len(found) <= len(sound) + 2 * ENDS * len(parts)
    np.testing.assert_array_equal(found[found != 0], sound[sound != 0])


def test_what_is_left_out_is_that_of_a_plain_loop(speech_like):
    waveform = np.pad(speech_like(2.0, 1), 8_000)
    waveform[20_000:26_000] *= 1e-6
    levels = frame_levels(waveform)
    quiet = [level < max(levels) - BELOW_LOUDEST_DB for level in levels]
    gone = np.zeros(len(waveform), bool)
    for frame in range(len(quiet)):
        first = frame
        while first > 0 and quiet[frame] and quiet[first - 1]:
            first -= 1
        end = frame + 1
        while end < len(quiet) and quiet[frame] and quiet[end]:
            end += 1
        if quiet[frame] and end - first >= SHORTEST:
            gone[160 * frame : 160 * frame + 400] = True
    if quiet[-1]:
        gone[160 * len(quiet) :] = True  # what is in no whole frame
    assert gone.any()
    np.testing.assert_array_equal(without_digital_silence(waveform), waveform[~gone])


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(0, np.float32),
        np.ones(100, np.float32),
        np.zeros(48_000, np.float32),
        noise(3.0),
        np.pad(noise(0.2), 48_000),  # less would stay than can be answered
        np.pad(noise(2.0), 800),  # 0.05 s
        np.pad(noise(2.0), 16_000) + noise(4.0, 1e-5),  # a quiet room
    ],
    ids=["nothing", "less than a frame", "zeros", "sound", "a blip", "a moment", "a quiet room"],
)
def test_all_stays(waveform):
    assert without_digital_silence(waveform) is waveform


def test_a_gate_does_not_change_an_embedding(speech_like, make_bundle):
    speech = speech_like(2.0, 3)
    embedder = Embedder(make_bundle().model, "cpu", 1)
    bare, gated, inside = embedder.embed(
        [speech, np.pad(speech, 40_000), np.insert(speech, [16_000] * 16_000, 0.0)]
    )
    for other in (gated, inside):
        assert np.dot(bare, other) / np.linalg.norm(bare) / np.linalg.norm(other) > 0.98
