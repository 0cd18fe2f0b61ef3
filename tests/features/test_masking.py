import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.features import mask_features


@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 80), st.integers(0, 60), st.integers(0, 2**31))
def test_hides_one_stretch_of_time_and_one_band(frames, mels, max_frames, max_mels, seed):
    features = torch.ones(3, frames, mels)
    masked = mask_features(features, 1.0, max_frames, max_mels, torch.Generator().manual_seed(seed))
    assert torch.equal(features, torch.ones(3, frames, mels))  # a copy
    for row in masked:
        hidden = row == 0
        time, band = hidden.all(dim=1), hidden.all(dim=0)
        assert torch.equal(hidden, time[:, None] | band[None, :])
        if not hidden.all():
            for span, most in ((time, max_frames), (band, max_mels)):
                assert span.sum() <= most
                assert (span.int().diff() == 1).sum() + span[0] <= 1  # in one piece


def test_probability_and_seed():
    features = torch.ones(2000, 10, 8)
    masked = mask_features(features, 0.25, 5, 4, torch.Generator().manual_seed(0))
    touched = (masked == 0).flatten(1).any(dim=1).float().mean()
    assert 0.18 < touched < 0.26  # a width of zero leaves a chosen row whole
    again = mask_features(features, 0.25, 5, 4, torch.Generator().manual_seed(0))
    assert torch.equal(masked, again)
    assert torch.equal(mask_features(features, 0.0, 5, 4, torch.Generator()), features)
