import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mining_cases import as_lists, batches, exact_distances, negatives_of, positives_of, tolerance

from speakertrip.miners import SemiHard


@given(batches(), st.floats(0.05, 4.0))
def test_agrees_with_a_loop_over_pairs(batch, margin):
    embeddings, labels = batch
    exact, slack = exact_distances(embeddings), tolerance(embeddings)
    sets = SemiHard(margin)(embeddings, labels)
    pairs = [(i, j) for i in range(len(labels)) for j in positives_of(labels, i)]
    assert list(zip(sets.anchors.tolist(), sets.positives.indices.flatten().tolist(), strict=True)) == pairs
    for (i, j), mined in zip(pairs, as_lists(sets.negatives), strict=True):
        for n in negatives_of(labels, i):
            gap = float(exact[i, n] - exact[i, j])
            if slack < gap < margin - slack:
                assert n in mined
            elif not -slack <= gap <= margin + slack:
                assert n not in mined


def test_agrees_with_a_peer_library():
    miners = pytest.importorskip("pytorch_metric_learning.miners")
    distances = pytest.importorskip("pytorch_metric_learning.distances")
    embeddings = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) // 4
    peer = miners.TripletMarginMiner(
        margin=1.5,
        type_of_triplets="semihard",
        distance=distances.LpDistance(normalize_embeddings=False, power=2),
    )
    sets = SemiHard(1.5)(embeddings, labels)
    ours = {
        (a, p, n)
        for a, p, mined in zip(
            sets.anchors.tolist(),
            sets.positives.indices.flatten().tolist(),
            as_lists(sets.negatives),
            strict=True,
        )
        for n in mined
    }
    assert ours == set(zip(*(each.tolist() for each in peer(embeddings, labels)), strict=True))
    assert ours


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_that_is_not_positive_is_refused(margin):
    with pytest.raises(ValueError, match="margin must be positive"):
        SemiHard(margin)


@pytest.mark.parametrize("utterances", [7, 8, 150])  # few edges of bands, more, and more than a byte counts
def test_many_utterances_of_a_speaker_agree_with_all_distances(utterances):
    embeddings = torch.randn(
        2 * utterances, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    labels = torch.arange(2 * utterances) % 2
    sets, exact = SemiHard(1.0)(embeddings, labels), exact_distances(embeddings)
    near = exact[sets.anchors, sets.positives.indices[:, 0]][:, None]
    far = exact[sets.anchors]
    expected = (labels[sets.anchors, None] != labels) & (far > near) & (far < near + 1.0)
    assert len(sets.anchors) == 2 * utterances * (utterances - 1)
    assert torch.equal(sets.negatives.as_rows().mask, expected)


def test_negatives_as_far_as_the_positive_or_as_the_margin_reaches_are_left_out():
    embeddings = torch.tensor(
        [[0.0], [1.0], [-1.0], [1.5], [-2.0], [0.5]]
    )  # the mean is 0; at 1 | 1, 2.25, 4, 0.25
    sets = SemiHard(3.0)(embeddings, torch.tensor([0, 0, 1, 1, 1, 1]), anchors=torch.tensor([0]))
    assert as_lists(sets.negatives) == [[3]]


def test_a_collapsed_batch_has_no_semi_hard_negatives():
    sets = SemiHard(0.5)(torch.ones(6, 3), torch.arange(6) // 2)
    assert not sets.negatives.as_rows().mask.any()
