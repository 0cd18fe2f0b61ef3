import pytest
import torch

from speakertrip.losses import CollapseGuard, MultiSampleTripletLoss, TripletHealth, triplet_health


def health(between_speakers):
    return TripletHealth(0.9, 0.99, 0.01, 0.012, between_speakers, spread=0.1)


def test_speaks_after_so_many_collapsed_steps_in_a_row_and_counts_anew():
    guard = CollapseGuard(patience=3)
    heard = [guard.watch(health(cosine)) for cosine in (0.99, 0.99, 0.5, 0.99, 0.99, 0.99, 0.99)]
    assert [each is not None for each in heard] == [False] * 5 + [True, False]
    assert "for 3 steps the mean cosine between speakers was above 0.98 (now 0.990)" in heard[5]
    assert "now at 0.99 of it" in heard[5]
    assert guard.suspicious == 1


def test_a_loss_that_stands_at_the_margin_is_a_collapse_too():
    labels, tiny = torch.arange(64) // 4, 1e-5 * torch.randn(64, 16)  # raw: they point everywhere
    loss = MultiSampleTripletLoss(0.4)
    health = triplet_health(tiny, labels, loss.distances(tiny, labels), 0.4)
    assert health.between_speakers < 0.5
    assert "now at 1.00 of it" in CollapseGuard(patience=1).watch(health)


@pytest.mark.parametrize("options", [{"patience": 0}, {"cosine": 0.0}, {"cosine": 1.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="patience must be at least 1 and cosine in"):
        CollapseGuard(**options)
