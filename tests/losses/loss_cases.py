"""Batches for losses, and the definition as a plain double loop in float64."""

import torch
from hypothesis import strategies as st


def plain_loop(embeddings, labels, margin, sets=None, cost=torch.relu):
    """Return the costs of all terms, in float64; None for a side of the sets means everybody."""
    x = embeddings.double()
    everybody = range(len(x))
    anchors = everybody if sets is None else sets.anchors.tolist()
    terms = []
    for term, i in enumerate(anchors):
        positives = _chosen(sets and sets.positives, term)
        negatives = _chosen(sets and sets.negatives, term)
        if positives is None:
            positives = [j for j in everybody if labels[j] == labels[i] and j != i]
        if negatives is None:
            negatives = [j for j in everybody if labels[j] != labels[i]]
        has_both = (labels == labels[i]).sum() > 1 and (labels != labels[i]).any()
        if positives and negatives and has_both:
            to_positives = sum((x[i] - x[j]).square().sum() for j in positives) / len(positives)
            to_negatives = sum((x[i] - x[j]).square().sum() for j in negatives) / len(negatives)
            terms.append(cost(to_positives - to_negatives + margin))
    return torch.stack(terms) if terms else (0 * x).sum()[None]


def _chosen(side, term):
    if side is None:
        return None
    rows = side.as_rows()
    return rows.indices[term][rows.mask[term]].tolist()


def larger_distance(embeddings, labels):
    """The scale that rounding is measured by: the larger of an anchor's two mean distances, at the most."""
    x = embeddings.double()
    distances = (x[:, None] - x[None]).square().sum(dim=2)
    same = labels[:, None] == labels[None]
    positives = (distances * same).sum(dim=1) / (same.sum(dim=1) - 1).clamp_min(1)
    negatives = (distances * ~same).sum(dim=1) / (~same).sum(dim=1).clamp_min(1)
    return float(torch.maximum(positives, negatives).max())


@st.composite
def batches(draw, sizes=(3, 12)):
    """Embeddings, labels (any values, any order, lone utterances allowed) and a margin; one anchor at least."""
    size, dim = draw(st.integers(*sizes)), draw(st.integers(1, 6))
    labels = draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    counts = {label: labels.count(label) for label in labels}
    if len(counts) < 2 or max(counts.values()) < 2:
        labels[:3] = [5, 5, 6]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.1, 1.0, 10.0]))
    embeddings = scale * torch.randn(size, dim, generator=generator)
    return embeddings, torch.tensor(labels), draw(st.floats(0.01, 4.0))
