"""AAM-softmax against its definition, written as a plain double loop over angles in float64."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional

from speakertrip.losses.softmax import AAMSoftmax


def angle_to(x, weights):
    """The angle between an embedding and the nearest of a speaker's weights."""
    return min(torch.arccos(x @ w / (x.norm() * w.norm())) for w in weights)


def plain_loop(embeddings, labels, weight, speakers, margin, scale):
    x, w = embeddings.double(), weight.double().reshape(speakers, -1, embeddings.shape[1])
    terms = []
    for i, label in enumerate(labels.tolist()):
        angles = [angle_to(x[i], w[k]) for k in range(speakers)]
        own = angles[label]
        past = own.item() + margin > math.pi
        target = scale * (torch.cos(own) - margin * math.sin(margin) if past else torch.cos(own + margin))
        others = [scale * torch.cos(angles[k]) for k in range(speakers) if k != label]
        terms.append(torch.logsumexp(torch.stack([target, *others]), dim=0) - target)
    return sum(terms) / len(terms)


def random_case(speakers, subcenters, dim, batch, seed, dtype=torch.float64, **settings):
    generator = torch.Generator().manual_seed(seed)
    loss = AAMSoftmax(dim, speakers, subcenters=subcenters, **settings).to(dtype)
    loss.weight.data = torch.randn(loss.weight.shape, generator=generator, dtype=dtype)
    labels = torch.randint(speakers, (batch,), generator=generator)
    return loss, torch.randn(batch, dim, generator=generator, dtype=dtype), labels


@given(
    st.integers(2, 5),
    st.integers(1, 3),
    st.integers(2, 6),
    st.integers(1, 7),
    st.integers(0, 2**31),
    st.floats(0, 1.57),
    st.floats(0.5, 40),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_value_and_gradients_agree_with_the_definition(
    speakers, subcenters, dim, batch, seed, margin, scale, dtype
):
    loss, embeddings, labels = random_case(
        speakers, subcenters, dim, batch, seed, dtype, margin=margin, scale=scale
    )
    of_speaker = loss.weight.detach().double().view(speakers, subcenters, dim)
    own = [
        angle_to(x, of_speaker[k]).item() for x, k in zip(embeddings.double(), labels.tolist(), strict=True)
    ]
    # At the jump either side is right, and where sin θ is small float32 knows no angle.
    assume(all(abs(angle + margin - math.pi) > 1e-3 and 0.03 < angle < math.pi - 0.03 for angle in own))
    embeddings.requires_grad_()
    value = loss(embeddings, labels)
    expected = plain_loop(embeddings, labels, loss.weight, speakers, margin, scale)
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4 * scale}
    assert value.dtype == dtype
    torch.testing.assert_close(value.double(), expected, **close)
    ours = torch.autograd.grad(value, (embeddings, loss.weight))
    exact = torch.autograd.grad(expected, (embeddings, loss.weight))
    if dtype == torch.float32:  # the slope of a cosine grows as a vector shrinks
        close["atol"] /= min(1.0, embeddings.norm(dim=1).min().item(), loss.weight.norm(dim=1).min().item())
    torch.testing.assert_close(ours, exact, **close)


@pytest.mark.parametrize("subcenters", [1, 3])
@pytest.mark.parametrize("margin", [0.0, 0.2, 1.2])
def test_gradients_agree_with_finite_differences(subcenters, margin):
    loss, embeddings, labels = random_case(4, subcenters, 5, 6, seed=3, margin=margin, scale=8.0)

    def of(embeddings, weight):
        return torch.func.functional_call(loss, {"weight": weight}, (embeddings, labels))

    assert torch.autograd.gradcheck(of, (embeddings.requires_grad_(), loss.weight))


@pytest.mark.parametrize("subcenters", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_a_peer_library(subcenters, seed):
    peers = pytest.importorskip("pytorch_metric_learning.losses")
    margin, scale = 0.3, 25.0
    loss, embeddings, labels = random_case(6, subcenters, 8, 20, seed, margin=margin, scale=scale)
    settings = {"num_classes": 6, "embedding_size": 8, "margin": math.degrees(margin), "scale": scale}
    peer = (
        peers.ArcFaceLoss(**settings)
        if subcenters == 1
        else peers.SubCenterArcFaceLoss(**settings, sub_centers=subcenters)
    )
    peer.W.data = loss.weight.detach().T.clone()
    of_speaker = loss.weight.detach().view(6, subcenters, 8)
    angles = [angle_to(x, of_speaker[k]).item() for x, k in zip(embeddings, labels.tolist(), strict=True)]
    keep = torch.tensor(angles) + margin < math.pi
    assert keep.sum() >= 15
    ours = [embeddings[keep].clone().requires_grad_() for _ in range(2)]
    values = loss(ours[0], labels[keep]), peer(ours[1], labels[keep])
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-9)
    gradient, weight_gradient = torch.autograd.grad(values[0], (ours[0], loss.weight))
    expected, weight_expected = torch.autograd.grad(values[1], (ours[1], peer.W))
    torch.testing.assert_close((gradient, weight_gradient), (expected, weight_expected.T))


@pytest.mark.parametrize("margin", [0.01, 0.2, 0.8, 1.5])
def test_the_loss_rises_all_the_way_from_the_weight_to_its_opposite(margin):
    loss = AAMSoftmax(dim=3, speakers=2, margin=margin, scale=5.0).double()
    loss.weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    angles = torch.linspace(0, math.pi, 400, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], dim=1)
    values = torch.stack([loss(each[None], torch.tensor([0])) for each in circle])
    assert (values.diff() > 0).all()


def test_without_a_margin_it_is_the_cross_entropy_of_scaled_cosines():
    loss, embeddings, labels = random_case(5, 1, 6, 9, seed=4, margin=0.0, scale=12.0)
    cosines = functional.cosine_similarity(embeddings[:, None], loss.weight[None], dim=2)
    expected = functional.cross_entropy(12.0 * cosines, labels)
    assert loss(embeddings, labels).item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_margin_may_be_assigned_between_steps():
    loss, embeddings, labels = random_case(5, 2, 6, 9, seed=5, margin=0.0)
    values = []
    for margin in (0.0, 0.1, 0.2):
        loss.margin = margin
        expected = plain_loop(embeddings, labels, loss.weight, 5, margin, 30.0)
        values.append(loss(embeddings, labels).item())
        assert values[-1] == pytest.approx(expected.item(), rel=1e-9)
    assert values == sorted(values)
    assert list(loss.state_dict()) == ["weight"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [0.0, 0.2, 1.57])
@pytest.mark.parametrize("subcenters", [1, 2])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_on_a_weight_and_opposite_to_it_gradients_are_finite(dtype, margin, subcenters, sign):
    loss, _, _ = random_case(16, subcenters, 24, 1, seed=6, dtype=dtype, margin=margin)
    embeddings = (sign * 3 * loss.weight.detach()).requires_grad_()
    labels = torch.arange(16).repeat_interleave(subcenters)
    value = loss(embeddings, labels)
    value.backward()
    assert value.isfinite()
    for gradient in (embeddings.grad, loss.weight.grad):
        assert gradient.isfinite().all()
        assert gradient.abs().max() < 100  # bounded, not only finite


def test_neither_the_order_of_the_batch_nor_the_lengths_of_vectors_matter():
    loss, embeddings, labels = random_case(5, 2, 6, 12, seed=7)
    expected = loss(embeddings, labels).item()
    order = torch.randperm(12, generator=torch.Generator().manual_seed(8))
    assert loss(embeddings[order], labels[order]).item() == pytest.approx(expected, rel=1e-12)
    lengths = torch.linspace(0.01, 100, 12, dtype=torch.float64)[:, None]
    loss.weight.data *= 7
    assert loss(lengths * embeddings, labels).item() == pytest.approx(expected, rel=1e-12)


def test_half_precision_is_computed_in_float32():
    loss, embeddings, labels = random_case(5, 2, 6, 12, seed=9, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(embeddings, labels)
    assert value.dtype == torch.float32
    assert value.item() == loss(embeddings, labels).item()
    assert loss(embeddings.bfloat16(), labels).dtype == torch.float32


def test_it_learns_to_tell_speakers_apart():
    torch.manual_seed(10)
    centers, labels = torch.randn(4, 8), torch.arange(40) % 4
    embeddings = centers[labels] + 0.3 * torch.randn(40, 8)
    loss = AAMSoftmax(8, 4, subcenters=2)
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.1)
    first = loss(embeddings, labels).item()
    for _ in range(50):
        optimizer.zero_grad()
        loss(embeddings, labels).backward()
        optimizer.step()
    assert loss(embeddings, labels).item() < 0.2 * first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "dim and subcenters must be at least 1"),
        ({"speakers": 1}, "speakers at least 2, not 3, 1 and 1"),
        ({"subcenters": 0}, "dim and subcenters must be at least 1"),
        ({"margin": -0.1}, r"margin must be an angle in \[0, pi/2\), not -0.1"),
        ({"margin": math.pi / 2}, "margin must be an angle"),
        ({"margin": float("nan")}, "margin must be an angle"),
        ({"scale": 0.0}, "scale must be positive and finite, not 0.0"),
        ({"scale": float("inf")}, "scale must be positive and finite"),
        ({"scale": float("nan")}, "scale must be positive and finite"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AAMSoftmax(**({"dim": 3, "speakers": 4} | settings))


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (
            torch.randn(2, 4),
            torch.tensor([0, 1]),
            r"embeddings must be \(batch, 3\).*not \(2, 4\) and \(2,\)",
        ),
        (torch.randn(3), torch.tensor([0, 1, 2]), "embeddings must be"),
        (torch.randn(2, 3), torch.tensor([0]), "embeddings must be"),
        (torch.randn(2, 3), torch.tensor([[0, 1]]), "embeddings must be"),
        (torch.randn(0, 3), torch.tensor([], dtype=torch.long), "at least one utterance"),
        (torch.randn(2, 3), torch.tensor([0.0, 1.0]), "labels must be long, not torch.float32"),
        (torch.randn(2, 3), torch.tensor([-1, 1]), r"labels must be in 0\.\.3, not in -1\.\.1"),
        (torch.randn(2, 3), torch.tensor([0, 4]), r"labels must be in 0\.\.3, not in 0\.\.4"),
    ],
)
def test_batches_that_do_not_fit_are_refused(embeddings, labels, message):
    with pytest.raises(ValueError, match=message):
        AAMSoftmax(dim=3, speakers=4, subcenters=2)(embeddings, labels)


def test_a_margin_assigned_out_of_range_is_refused():
    loss = AAMSoftmax(dim=3, speakers=4)
    loss.margin = 20.0  # degrees, say
    with pytest.raises(ValueError, match="margin must be an angle"):
        loss(torch.randn(2, 3), torch.tensor([0, 1]))
