"""Angular prototypical and GE2E against their definitions, written as plain double loops in float64."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from speakertrip.losses.prototypical import GE2E, AngularPrototypical

BOTH = pytest.mark.parametrize("kind", [AngularPrototypical, GE2E])


def rows_of(labels):
    names = labels.tolist()
    return {name: [i for i, each in enumerate(names) if each == name] for name in sorted(set(names))}


def cosine(x, y):
    return x @ y / (x.norm() * y.norm())


def cross_entropy(similarities, own):
    return torch.logsumexp(torch.stack(similarities), dim=0) - similarities[own]


def plain_prototypical(embeddings, labels, scale, bias):
    x, rows = embeddings.double(), rows_of(labels)
    terms = []
    for j, own in enumerate(rows.values()):
        similarities = []
        for others in rows.values():
            prototype = sum(x[i] for i in others[:-1]) / (len(others) - 1)
            similarities.append(scale * cosine(x[own[-1]], prototype) + bias)
        terms.append(cross_entropy(similarities, j))
    return sum(terms) / len(terms)


def plain_ge2e(embeddings, labels, scale, bias):
    x, rows = embeddings.double(), rows_of(labels)
    x = x / x.norm(dim=1, keepdim=True)
    terms = []
    for i, label in enumerate(labels.tolist()):
        similarities = []
        for members in rows.values():
            kept = [j for j in members if j != i]
            similarities.append(scale * cosine(x[i], sum(x[j] for j in kept) / len(kept)) + bias)
        terms.append(cross_entropy(similarities, list(rows).index(label)))
    return sum(terms) / len(terms)


PLAIN = {AngularPrototypical: plain_prototypical, GE2E: plain_ge2e}


def random_batch(speakers, utterances, dim, seed, dtype=torch.float64):
    """Embeddings of several lengths, with labels in a random order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(speakers).repeat_interleave(utterances)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    embeddings = torch.randn(len(labels), dim, generator=generator, dtype=dtype)
    return embeddings * (0.5 + torch.rand(len(labels), 1, generator=generator, dtype=dtype)), labels


def shortest_mean(embeddings, labels):
    """The smallest length among the utterances and the means that the losses take, raw and at unit length."""
    lengths = []
    for x in (embeddings, embeddings / embeddings.norm(dim=1, keepdim=True)):
        for rows in rows_of(labels).values():
            kept = [rows, *([i] for i in rows), *([j for j in rows if j != i] for i in rows)]
            lengths += [x[each].mean(dim=0).norm().item() for each in kept]
    return min(lengths)


@BOTH
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=5, unique=True),
    st.integers(2, 4),
    st.integers(2, 6),
    st.integers(0, 2**31),
    st.floats(0.1, 20),
    st.floats(-10, 10),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_value_and_gradients_agree_with_the_definition(kind, names, utterances, dim, seed, w, b, dtype):
    embeddings, labels = random_batch(len(names), utterances, dim, seed, dtype)
    labels = torch.tensor(names)[labels]
    loss, inputs = kind(w, b).to(dtype), embeddings.clone().requires_grad_()
    value = loss(inputs, labels)
    assert value.dtype == dtype
    scale, bias = loss.scale.detach().double().requires_grad_(), loss.bias.detach().double()
    exact_inputs = embeddings.double().requires_grad_()
    expected = PLAIN[kind](exact_inputs, labels, scale, bias)
    exact = torch.autograd.grad(expected, (exact_inputs, scale))
    # The slope of a cosine grows as a vector shrinks, and float32 loses what is left of opposite vectors.
    shortest = shortest_mean(embeddings.double(), labels)
    assume(shortest > 0.05)
    tolerance = 1e-9 if dtype == torch.float64 else 1e-5 * max(1, w) ** 2
    tolerance /= min(1.0, shortest) ** 2
    assert value.item() == pytest.approx(expected.item(), rel=tolerance, abs=tolerance)
    ours = [each.double() for each in torch.autograd.grad(value, (inputs, loss.scale))]
    torch.testing.assert_close(ours, list(exact), rtol=tolerance, atol=tolerance)


@BOTH
@pytest.mark.parametrize("utterances", [2, 3])
def test_gradients_agree_with_finite_differences(kind, utterances):
    embeddings, labels = random_batch(3, utterances, 4, seed=1)
    loss = kind().double()

    def of(embeddings, scale, bias):
        return torch.func.functional_call(loss, {"scale": scale, "bias": bias}, (embeddings, labels))

    assert torch.autograd.gradcheck(of, (embeddings.requires_grad_(), loss.scale, loss.bias))


def test_angular_prototypical_worked_by_hand():
    # Speaker 4: query at 0°, prototype at 60°. Speaker 2: query at 90°, prototype at 0°.
    embeddings = torch.tensor([[0.5, math.sqrt(0.75)], [2.0, 0.0], [5.0, 0.0], [0.0, 1.0]])
    value = AngularPrototypical(scale=2.0, bias=1.0)(embeddings, torch.tensor([4, 2, 4, 2]))
    rows = [(2 * 0.5, 2 * 1.0), (2 * 0.0, 2 * math.cos(math.pi / 6))]  # own, other
    expected = sum(math.log(1 + math.exp(other - own)) for own, other in rows) / 2
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_ge2e_worked_by_hand():
    # Speaker 0 at 0° and 60°, whose centroid is at 30°; speaker 1 twice at 90°.
    embeddings = torch.tensor([[3.0, 0.0], [0.5, math.sqrt(0.75)], [0.0, 1.0], [0.0, 4.0]])
    value = GE2E(scale=2.0, bias=1.0)(embeddings, torch.tensor([0, 0, 1, 1]))
    rows = [(0.5, 0.0), (0.5, math.sqrt(0.75)), (1.0, 0.5), (1.0, 0.5)]  # cosines to own and to other
    expected = sum(math.log(1 + math.exp(2 * (other - own))) for own, other in rows) / 4
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_an_utterance_is_left_out_of_its_own_centroid():
    # Each speaker's two utterances are opposite: with itself in its centroid each would look at home.
    embeddings = torch.tensor([[1.0, 0.1], [-1.0, 0.1], [0.1, 1.0], [0.1, -1.0]])
    assert GE2E(scale=5.0)(embeddings, torch.tensor([0, 0, 1, 1])).item() > math.log(1 + math.exp(4.5))


def test_the_order_of_the_batch_and_the_names_of_the_speakers_do_not_matter_to_ge2e():
    embeddings, labels = random_batch(4, 3, 5, seed=2)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(3))
    expected = GE2E()(embeddings, labels).item()
    assert GE2E()(embeddings[order], 10 - labels[order]).item() == pytest.approx(expected, rel=1e-12)
    lengths = torch.linspace(0.01, 100, 12, dtype=torch.float64)[:, None]
    assert GE2E()(lengths * embeddings, labels).item() == pytest.approx(expected, rel=1e-12)


def test_angular_prototypical_sees_only_which_utterance_of_a_speaker_is_last():
    embeddings, labels = random_batch(4, 3, 5, seed=4)
    expected = AngularPrototypical()(embeddings, labels).item()
    rows = rows_of(labels)
    support, queries = [i for own in rows.values() for i in own[:-1]], [own[-1] for own in rows.values()]
    order = torch.tensor(support[::-1] + queries)
    same = AngularPrototypical()(embeddings[order], 10 - labels[order])
    assert same.item() == pytest.approx(expected, rel=1e-12)
    order = torch.tensor(queries + support)
    assert AngularPrototypical()(embeddings[order], labels[order]).item() != pytest.approx(expected, rel=1e-3)


@BOTH
def test_the_bias_changes_nothing(kind):
    embeddings, labels = random_batch(4, 3, 5, seed=5)
    with_bias = kind(bias=3.0)
    value = with_bias(embeddings, labels)
    value.backward()
    assert value.item() == pytest.approx(kind(bias=0.0)(embeddings, labels).item(), rel=1e-6)
    assert abs(with_bias.bias.grad.item()) < 1e-6


@BOTH
def test_a_scale_below_the_floor_counts_as_the_floor_and_comes_back(kind):
    labels = torch.arange(8) % 4
    embeddings = torch.eye(4)[labels]  # told apart without fault: a larger scale is better
    loss = kind()
    loss.scale.data.fill_(-0.5)
    assert loss(embeddings, labels).item() == pytest.approx(kind(scale=1e-6)(embeddings, labels).item())
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    for _ in range(10):
        optimizer.zero_grad()
        loss(embeddings, labels).backward()
        optimizer.step()
    assert loss.scale.item() > 0.5


@BOTH
def test_half_precision_is_computed_in_float32(kind):
    embeddings, labels = random_batch(4, 3, 5, seed=6, dtype=torch.float32)
    loss = kind()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(embeddings, labels)
    assert value.dtype == torch.float32
    assert value.item() == loss(embeddings, labels).item()
    assert loss(embeddings.half(), labels).dtype == torch.float32


@BOTH
@pytest.mark.parametrize("embeddings", [torch.ones(6, 4), torch.zeros(6, 4)])
def test_collapsed_embeddings_cost_the_logarithm_of_the_speakers(kind, embeddings):
    inputs = embeddings.clone().requires_grad_()
    value = kind()(inputs, torch.arange(6) // 2)
    value.backward()
    assert value.item() == pytest.approx(math.log(3), rel=1e-6)
    assert inputs.grad.isfinite().all()


@BOTH
def test_no_batch_by_batch_matrix_is_made(kind):
    size, speakers, dim = 4_000, 20, 16  # batch x batch would take 64 MB
    embeddings = torch.randn(size, dim, requires_grad=True)
    labels = torch.arange(size) % speakers
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profile:
        kind()(embeddings, labels).backward()
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert largest <= 8 * size * (speakers + dim) * 4


@BOTH
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 1, 1, 1], "at least two speakers, not 1"),
        ([], "at least two speakers, not 0"),
        ([0, 0, 1, 1, 1], "equally many utterances in the batch, not between 2 and 3"),
        ([0, 1, 2, 3], "at least two utterances in the batch, not one"),
    ],
)
def test_batches_of_the_wrong_make_are_refused(kind, labels, message):
    with pytest.raises(ValueError, match=message):
        kind()(torch.randn(len(labels), 3), torch.tensor(labels))


@BOTH
@pytest.mark.parametrize("shapes", [((4, 3), (3,)), ((4,), (4,)), ((4, 3, 1), (4,)), ((4, 3), (4, 1))])
def test_shapes_that_do_not_fit_are_refused(kind, shapes):
    with pytest.raises(ValueError, match="embeddings must be"):
        kind()(torch.randn(shapes[0]), torch.zeros(shapes[1], dtype=torch.long))


@BOTH
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0.0}, "scale must be at least 1e-06 and finite, not 0.0"),
        ({"scale": float("nan")}, "scale must be at least"),
        ({"scale": float("inf")}, "scale must be at least"),
        ({"bias": float("nan")}, "bias must be finite, not nan"),
        ({"bias": float("-inf")}, "bias must be finite"),
    ],
)
def test_settings_out_of_range_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)
