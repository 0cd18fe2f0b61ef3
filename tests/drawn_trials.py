"""Small trial lists for hypothesis."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def scored_trials(draw, largest=2.0, step=0.25):
    """Draw scores with many ties, and their truth: at least one trial of each kind."""
    size = draw(st.integers(2, 40))
    levels = st.integers(-round(largest / step), round(largest / step))
    scores = step * np.array(draw(st.lists(levels, min_size=size, max_size=size)), dtype=float)
    targets = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    targets[:2] = [True, False]
    return scores, targets
