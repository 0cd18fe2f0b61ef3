from dataclasses import replace

import numpy as np
import pytest

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.plan import compose


def test_pitch_and_formants_stay_in_range_and_voiced_frames_have_the_spread(man):
    plan = compose(replace(man, f0_spread=2.0), 800, np.random.default_rng(0))
    voiced = plan.voicing > 0.3
    assert np.std(12 * np.log2(plan.f0[voiced])) == pytest.approx(2.0, abs=0.5)
    assert plan.formants.min() >= 150
    assert plan.formants.max() < SAMPLE_RATE / 2
    assert (np.diff(plan.formants[:, :3], axis=1) > 0).all()
    assert 0.3 < voiced.mean() < 0.95
