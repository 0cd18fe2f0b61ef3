import pytest
import torch
from hypothesis import given
from loss_cases import batches, larger_distance
from torch.autograd import gradcheck
from torch.nn import functional

from speakertrip.losses.sums import have_both, mean_distances, number_speakers


@given(batches())
def test_agrees_with_all_distances_between_rows(batch):
    embeddings, labels, _ = batch
    row, counts = number_speakers(labels, across=False)
    assert counts.tolist() == [labels.tolist().count(label) for label in sorted(set(labels.tolist()))]
    assert all(
        (row[i] == row[j]) == (labels[i] == labels[j]) for i in range(len(row)) for j in range(len(row))
    )
    to_positives, to_negatives = mean_distances(embeddings, row, counts, across=False)
    has_both = have_both(row, counts)
    x = embeddings.double()
    distances = (x[:, None] - x).square().sum(dim=2)
    same = labels[:, None] == labels
    other = same & ~torch.eye(len(x), dtype=torch.bool)
    assert torch.equal(has_both, other.any(dim=1) & (~same).any(dim=1))
    tolerance = {"rtol": 0, "atol": 1e-5 * larger_distance(embeddings, labels)}
    for i in has_both.nonzero()[:, 0]:
        torch.testing.assert_close(to_positives[i].double(), distances[i][other[i]].mean(), **tolerance)
        torch.testing.assert_close(to_negatives[i].double(), distances[i][~same[i]].mean(), **tolerance)


@pytest.mark.parametrize("labels", [[3, 3, 1, 1, 1, 7, 7, 9, 3], [3, 3, 3, 3, 3, 3, 7, 3, 7], [1] * 9])
def test_the_written_out_gradient_is_that_of_finite_differences(labels):
    embeddings = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    row, counts = number_speakers(torch.tensor(labels), across=False)

    def both(x):
        to_positives, to_negatives = mean_distances(x, row, counts, across=False)
        has_both = have_both(row, counts)
        return to_positives[has_both], to_negatives[has_both], x.sum()

    assert gradcheck(both, embeddings.requires_grad_())


def test_one_of_the_two_distances_may_go_without_a_gradient():
    embeddings = torch.randn(6, 3, requires_grad=True)
    row, counts = number_speakers(torch.arange(6) // 2, across=False)
    mean_distances(embeddings, row, counts, across=False)[0].sum().backward()
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("others", [2, 4, 40])
def test_one_speaker_may_have_nearly_all_rows(others):
    generator = torch.Generator().manual_seed(0)
    embeddings = functional.normalize(torch.randn(20_000, 64, generator=generator), dim=1)
    row = (torch.arange(20_000) < others).long()
    gradients, distances = [], []
    for each in (embeddings, embeddings.double()):
        x = each.requires_grad_()
        distances.append(torch.stack(mean_distances(x, row, torch.bincount(row), across=False)))
        gradients.append(torch.autograd.grad(distances[-1].sum(), x)[0])
    assert ((distances[0] - distances[1]).abs() <= 1e-5 * distances[1].amax(dim=0)).all()
    assert ((gradients[0] - gradients[1]).norm(dim=1) <= 1e-5 * gradients[1].norm(dim=1).max()).all()
