from functools import partial

import pytest
import torch
from pydantic import ValidationError
from torch.nn.modules.batchnorm import _BatchNorm

from speakertrip.config import ComputeConfig, EcapaConfig, XVectorConfig
from speakertrip.encoders import build_encoder
from speakertrip.errors import UsageError
from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.training.encoding import Encoding

CPU = torch.device("cpu")
ENCODERS = {
    "ecapa": EcapaConfig(channels=16, embedding_dim=24, attention_channels=8, se_channels=8, res2net_scale=4),
    "xvector": XVectorConfig(channels=16, pooling_channels=24, embedding_dim=24),
}


def encoding(kind, **options):
    torch.manual_seed(0)
    encoder = build_encoder(20, ENCODERS[kind])
    return encoder, Encoding(encoder, ComputeConfig(**options), CPU)


def features(rows=30):
    return torch.randn(rows, 60, 20, generator=torch.Generator().manual_seed(1))


def gradients(encoder, encode, rows=30):
    loss = MultiSampleTripletLoss(1.0)(encode(features(rows)), torch.arange(rows) // 3)
    loss.backward()
    return loss.item(), [
        parameter.grad.clone() for parameter in encoder.parameters() if parameter.grad is not None
    ]


def statistics(encoder):
    return [buffer.clone() for buffer in encoder.buffers()]


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("size", [4, 7, 29, 30, 64])
def test_the_gradient_of_parts_is_that_of_the_whole_while_statistics_are_fixed(kind, size):
    whole, encode_whole = encoding(kind)
    parts, encode_parts = encoding(kind, micro_batch=size)
    expected, found = gradients(whole.eval(), encode_whole), gradients(parts.eval(), encode_parts)
    assert found[0] == pytest.approx(expected[0], abs=1e-6)
    assert len(found[1]) == len(expected[1]) > 10
    for ours, theirs in zip(found[1], expected[1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ENCODERS)
def test_parts_move_the_statistics_once_each_and_use_their_own(kind):
    encoder, encode = encoding(kind, micro_batch=10)
    oracle, _ = encoding(kind)
    embeddings = encode(features())
    expected = [torch.nn.functional.normalize(oracle(part), dim=1) for part in features().split(10)]
    torch.testing.assert_close(embeddings, torch.cat(expected))
    after_forward = statistics(encoder)
    embeddings[:, 0].sum().backward()
    assert all(map(torch.equal, statistics(encoder), after_forward))
    assert all(map(torch.equal, after_forward, statistics(oracle)))
    layers = [layer for layer in encoder.modules() if isinstance(layer, _BatchNorm)]
    assert {(layer.momentum, int(layer.num_batches_tracked)) for layer in layers} == {(0.1, 3)}


def test_a_part_keeps_no_activations_of_the_others():
    """What a backward pass will need is packed: in parts, next to nothing beside the embeddings."""

    def packed(**options):
        sizes = []
        _, encode = encoding("ecapa", **options)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            encode(features())
        return sum(sizes)

    assert packed(micro_batch=4) < 0.2 * packed()


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("size", range(4, 13))
def test_no_part_is_too_small_to_be_normalised(kind, size):
    for rows in range(2, 26):
        encoder, encode = encoding(kind, micro_batch=size)
        sizes = []
        encoder.register_forward_pre_hook(lambda _, inputs, sizes=sizes: sizes.append(len(inputs[0])))
        with torch.no_grad():
            assert encode(features(rows)).isfinite().all()
        assert sum(sizes) == rows
        assert max(sizes) <= size
        assert min(sizes) >= min(rows, 2)


def test_a_size_that_cannot_be_normalised_is_refused():
    for size in (1, 2, 3):
        with pytest.raises(ValidationError, match="must be 0 or at least 4"):
            ComputeConfig(micro_batch=size)


def test_without_gradients_nothing_is_encoded_twice(monkeypatch):
    encoder, encode = encoding("ecapa", micro_batch=5)
    calls = []
    encoder.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        encode(features())
    assert len(calls) == 6


def test_bf16_gives_about_the_same_embeddings_in_float32():
    encoder, encode = encoding("ecapa", precision="bf16")
    _, exact = encoding("ecapa")
    encoder.eval()
    exact.encoder.eval()
    embeddings = encode(features())
    assert embeddings.dtype == torch.float32
    cosines = (embeddings * exact(features())).sum(dim=1).detach()
    assert 0.99 < float(cosines.min()) < 0.9999999


def by_backend(monkeypatch, backend):
    """Have torch compile by another backend than that which needs a C++ compiler and seconds."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))


def test_a_compiled_encoder_learns_as_a_plain_one_in_parts_too(monkeypatch):
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    by_backend(monkeypatch, backend)
    plain, encode_plain = encoding("xvector", micro_batch=10)
    compiled, encode_compiled = encoding("xvector", micro_batch=10, compile=True)
    for _ in range(2):
        before = len(graphs)
        plain.zero_grad()
        compiled.zero_grad()
        expected, found = gradients(plain, encode_plain), gradients(compiled, encode_compiled)
        assert found[0] == pytest.approx(expected[0], abs=1e-6)
        assert len(found[1]) == len(expected[1]) > 10
        for ours, theirs in zip(found[1], expected[1], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
        for ours, theirs in zip(statistics(compiled), statistics(plain), strict=True):
            torch.testing.assert_close(ours, theirs)
    assert len(graphs) == before > 2  # nothing is compiled anew at each step


def test_where_nothing_can_be_compiled_it_is_said_before_the_first_step(monkeypatch):
    def backend(graph, inputs):
        raise RuntimeError("No working C++ compiler found.")

    by_backend(monkeypatch, backend)
    with pytest.raises(
        UsageError, match=r"compute\.compile cannot be used here \(.*\); install a C\+\+ compiler"
    ):
        encoding("xvector", compile=True)
