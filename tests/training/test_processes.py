"""Several processes that train together take the steps that one takes with the whole batch."""

import os
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from speakertrip.config import TrainConfig
from speakertrip.errors import DataError, ToldElsewhereError, TrainingError, UsageError
from speakertrip.manifests import read_manifest
from speakertrip.training.batches import Batches
from speakertrip.training.dataset import CropDataset
from speakertrip.training.group import ENVIRONMENT, process_group
from speakertrip.training.processes import (
    average_across,
    from_each,
    leads,
    of_all,
    on_any,
    on_this_machine,
    own_share,
    require_alike,
)
from speakertrip.training.source import open_source
from speakertrip.training.trainer import Trainer

STEPS = 2
BATCH = {"speakers": 7, "utterances": 2}  # no number of processes above 1 has equal shares
MASKS = {"mask_probability": 0.8}
CASES = {
    "everything": {"loss": {"miner": {"kind": "everything"}}, "augment": MASKS},
    "hardest share": {"loss": {"miner": {"kind": "hardest-share", "share": 0.3}}},
    "memory": {
        "loss": {"memory": {"size": 30, "momentum": 0.9}, "margin": {"kind": "adaptive", "rate": 0.1}}
    },
    "random": {"loss": {"miner": {"kind": "random", "count": 3}}},
    "semi-hard": {"loss": {"miner": {"kind": "semi-hard"}}, "compute": {"micro_batch": 4}},
    "joint": {
        "loss": {
            "kind": "joint",
            "softmax": {"kind": "aam-softmax"},
            "triplet": {"miner": {"kind": "batch-hard"}},
        }
    },
    "aam-softmax": {"loss": {"kind": "aam-softmax"}, "augment": MASKS},
    "ge2e": {"loss": {"kind": "ge2e"}},
    "angular prototypical": {"loss": {"kind": "angular-prototypical"}},
}


def hold_statistics(trainer):
    """Keep batch normalisation in evaluation mode whatever the trainer says."""
    for layer in trainer.modules.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()
            layer.train = lambda mode=True, layer=layer: layer


def take_steps(entries, corpus, change, frozen=True):
    """Return the losses of the first steps, the gradients of the first of them, and the state after all."""
    config = TrainConfig.model_validate(entries | {"batch": BATCH} | change)
    utterances = read_manifest(corpus / "manifest.train.jsonl")
    dataset = CropDataset(utterances, open_source(utterances, 1.0), config)
    trainer = Trainer(config, torch.device("cpu"), dataset.speakers)
    if frozen:
        hold_statistics(trainer)
    for group in trainer.optimizer.param_groups:
        group["eps"] = 1e-3  # or the sign of a gradient that is rounding alone would make a step
    batches = Batches(dataset, config, 0, None)
    losses, gradients, seen = [], {}, []
    for step in range(1, STEPS + 1):
        result = trainer.step(step, *batches.next())
        losses.append(result.loss)
        seen.append(result.labels)
        if step == 1:
            weights = trainer.modules.named_parameters()
            gradients = {name: weight.grad.clone() for name, weight in weights if weight.grad is not None}
    state = {name: value for name, value in trainer.modules.state_dict().items() if torch.is_tensor(value)}
    return torch.tensor(losses), gradients, state, torch.stack(seen)


def join(rank, world, port):
    os.environ |= dict(zip(ENVIRONMENT, map(str, (rank, world, "127.0.0.1", port)), strict=True))
    return process_group("cpu")


def check_steps(entries, corpus, expected, cases):
    for name in cases:
        losses, gradients, state, labels = take_steps(entries, corpus, CASES[name])
        their_losses, their_gradients, their_state, their_labels = expected[name]
        assert torch.equal(labels, their_labels)
        near = {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(
            losses, their_losses, **near, msg=lambda text, name=name: f"{name}: {text}"
        )
        torch.testing.assert_close(gradients, their_gradients, **near)
        torch.testing.assert_close(state, their_state, **near)


def check_live_statistics(entries, corpus):
    state = take_steps(entries, corpus, CASES["everything"], frozen=False)[2]
    own = nn.Module()
    for number, value in enumerate(state.values()):
        own.register_buffer(f"state{number}", value)
    require_alike(own)  # shares are normalised apart, and yet all processes go on alike


def check_what_is_agreed(rank, world):
    assert [on_any(rank == chosen) for chosen in range(world)] == [True] * world
    assert on_any(False) is False
    assert from_each(f"I am {rank}.") == [f"I am {each}." for each in range(world)]
    assert leads() == (rank == 0)
    rows = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).numpy()
    assert (of_all(own_share(rows)) == rows).all()
    assert on_this_machine() == 1  # the launcher of this test tells nothing else
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, rank)
    layer.weight.grad = torch.full_like(layer.weight, rank)
    average_across(layer)
    assert layer.weight.grad.tolist() == [[(world - 1) / 2] * 2]
    assert layer.bias.grad is None
    with pytest.raises(TrainingError, match="Process 1 begins with other weights"):
        require_alike(layer)
    require_alike(nn.Identity(), 3)
    with pytest.raises(TrainingError, match="Process 1 begins with"):
        require_alike(nn.Identity(), rank)


def check_errors(rank, world, ports):
    with pytest.raises(DataError if rank == 1 else ToldElsewhereError) as caught:  # noqa: PT012, SIM117
        with join(rank, world, ports[1]):
            if rank == 1:
                raise DataError("One file is missing.")
            on_any(False)
    assert caught.value.exit_code == 6
    assert not dist.is_initialized()
    with pytest.raises((UsageError, ToldElsewhereError)) as caught:  # noqa: SIM117
        with join(rank, world, ports[2]):
            raise UsageError("All have the same.")
    told = isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2
    with join(rank, world, ports[3]):
        counted = torch.tensor(int(told))
        dist.all_reduce(counted)
        assert counted == 1


def worker(rank, entries, corpus, expected, ports):
    torch.set_num_threads(1)
    expected = torch.load(expected)
    with join(rank, 4, ports[0]):
        check_what_is_agreed(rank, 4)
        check_steps(entries, corpus, expected, ("everything", "aam-softmax"))
        check_live_statistics(entries, corpus)
    if (
        rank < 2
    ):  # of more, one may wait for another that has failed but lives on, as none does outside a test
        check_errors(rank, 2, ports)
        with join(rank, 2, ports[4]):
            check_steps(entries, corpus, expected, CASES)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_four_processes_and_two_train_as_one(config, corpus, tmp_path):
    entries = config.model_dump()
    expected = {name: take_steps(entries, corpus, change) for name, change in CASES.items()}
    torch.save(expected, tmp_path / "expected")  # as arguments tensors would take too many files
    arguments = (entries, corpus, tmp_path / "expected", free_ports(5))
    mp.spawn(worker, arguments, nprocs=4)


def test_alone_there_is_nothing_to_join(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with process_group("cpu"):
        assert not dist.is_initialized()
        assert leads()
        assert own_share([1, 2, 3]) == [1, 2, 3]


@pytest.mark.parametrize("there", [("RANK", "WORLD_SIZE"), ("MASTER_ADDR",)])
def test_half_of_a_launcher_is_refused(monkeypatch, there):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for name in there:
        monkeypatch.setenv(name, "1")
    missing = [name for name in ENVIRONMENT if name not in there]
    words = f"{', '.join(there)} is set but not {', '.join(missing)}; start with torchrun"
    with pytest.raises(UsageError, match=words), process_group("cpu"):
        pass


def test_processes_that_cannot_meet_say_so(monkeypatch):
    for name, value in zip(ENVIRONMENT, ("0", "2", "127.0.0.1", "70000"), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match=r"cannot meet at 127\.0\.0\.1:70000"), process_group("cpu"):
        pass
