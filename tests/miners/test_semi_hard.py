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
