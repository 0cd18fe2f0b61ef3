import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.backend import Sides


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4), min_size=1, max_size=5), st.integers(0, 99)
)
def test_agrees_with_a_mean_over_each_group(groups, seed):
    rng = np.random.default_rng(seed)
    raw, prepared, seconds = rng.normal(size=(7, 3)), rng.normal(size=(7, 3)), rng.uniform(1, 2, 7)
    sides = Sides.of(raw.astype(np.float32), prepared.astype(np.float32), groups, seconds)
    for place, group in enumerate(groups):
        assert sides.embeddings[place] == pytest.approx(prepared[group].mean(axis=0), abs=1e-5)
        assert sides.magnitudes[place] == pytest.approx(np.linalg.norm(raw[group], axis=1).mean(), abs=1e-5)
        assert sides.seconds[place] == pytest.approx(seconds[group].sum())
        assert sides.counts[place] == len(group)


def test_a_side_without_utterances_or_numbers_is_refused():
    raw = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="side 1 has no utterance"):
        Sides.of(raw, raw, [[0], [], [1]])
    with pytest.raises(ValueError, match="not finite"):
        Sides.of(raw * np.nan, raw, [[0], [1]])
