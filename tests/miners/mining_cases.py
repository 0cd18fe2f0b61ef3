"""Batches for miners, and what they are held against: plain loops in float64."""

import torch
from hypothesis import strategies as st

from speakertrip.miners.distances import centred


@st.composite
def batches(draw):
    """Embeddings and labels: any values in any order, with lone utterances, lone speakers, and equal rows."""
    size, dim = draw(st.integers(2, 14)), draw(st.integers(1, 4))
    labels = torch.tensor(draw(st.lists(st.integers(-2, 3), min_size=size, max_size=size)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    embeddings = torch.randn(size, dim, generator=generator)
    if draw(st.booleans()):
        embeddings[0] = embeddings[-1]
    return embeddings + draw(st.sampled_from([0.0, 30.0])), labels


def exact_distances(embeddings):
    x = embeddings.double()
    return (x[:, None] - x[None]).square().sum(dim=2)


def tolerance(embeddings):
    """What float32 may lose of a squared distance."""
    return 1e-5 * (1e-3 + float(centred(embeddings).square().sum(dim=1).max()))


def as_lists(sets):
    sets = sets.as_rows()
    return [row[kept].tolist() for row, kept in zip(sets.indices, sets.mask, strict=True)]


def negatives_of(labels, i):
    return [j for j in range(len(labels)) if labels[j] != labels[i]]


def positives_of(labels, i):
    return [j for j in range(len(labels)) if labels[j] == labels[i] and j != i]
