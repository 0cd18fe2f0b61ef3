"""What holds for every effect, and for all of them in a chain."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

KINDS = [
    "recorded noise",
    "coloured noise",
    "babble",
    "reverb",
    "room",
    "opus",
    "mp3",
    "mulaw",
    "alaw",
    "gsm",
    "band",
    "equalize",
    "gain",
]


@pytest.fixture(scope="module")
def effects(build, tables):
    alone = {name: build(table) for name, table in tables.items()}
    return alone | {"all": build(*tables.values())}


def test_every_kind_is_here(tables):
    assert list(tables) == KINDS


@pytest.mark.parametrize("kind", [*KINDS, "all"])
@settings(max_examples=12)
@given(
    samples=st.one_of(st.integers(1, 700), st.integers(1, 40_000)),
    scale=st.sampled_from([0.0, 1e-30, 1e-6, 0.3, 1.0, 40.0, 2.0**31]),
    seed=st.integers(0, 2**31),
)
@example(samples=1, scale=1.0, seed=0)
@example(samples=1, scale=0.0, seed=0)
@example(samples=32_000, scale=0.3, seed=1)
def test_length_type_and_finiteness_are_kept(effects, kind, samples, scale, seed):
    rng = np.random.default_rng(seed)
    waveform = (scale * rng.uniform(-1, 1, samples)).astype(np.float32)
    before = waveform.copy()
    said: list[str] = []
    changed = effects[kind].transform(waveform, np.random.default_rng(seed), said.append)
    again = effects[kind].transform(waveform, np.random.default_rng(seed))
    assert changed.shape == (samples,)
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(changed, again)
    np.testing.assert_array_equal(waveform, before)
    assert len(said) <= (len(KINDS) if kind == "all" else 1)
    if kind != "all":
        assert bool(said) == (changed is not waveform)  # it says what it did, and no more
    if not scale:
        assert not changed.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_waveform_is_changed_but_not_moved(effects, kind):
    waveform = (0.1 * np.random.default_rng(5).standard_normal(32_000)).astype(np.float32)
    changed = effects[kind].transform(waveform, np.random.default_rng(3))
    assert not np.array_equal(changed, waveform)
    points = 2 * len(waveform)
    product = np.fft.rfft(changed, points) * np.conj(np.fft.rfft(waveform, points))
    assert np.fft.irfft(product).argmax() == 0  # the cross-correlation is highest without a shift


@pytest.mark.parametrize("kind", ["recorded noise", "coloured noise", "babble", "reverb", "mulaw", "band"])
def test_minutes_of_audio_pass(effects, kind):
    waveform = np.zeros(2_000_003, np.float32)
    waveform[1_000_000] = 0.5
    assert effects[kind].transform(waveform, np.random.default_rng(0)).shape == waveform.shape
