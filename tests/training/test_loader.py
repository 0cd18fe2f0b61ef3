import collections
import itertools
import multiprocessing
import os
import signal
import time

import pytest
import torch

from speakertrip.config import TrainConfig
from speakertrip.errors import AudioError, StorageError, TrainingError
from speakertrip.training.dataset import CropDataset
from speakertrip.training.loader import CropLoader
from speakertrip.training.source import open_source

PLACES = [[(row, 8 * batch + row) for row in range(4)] for batch in range(9)]


@pytest.fixture(scope="module")
def dataset(config, utterances):
    return CropDataset(utterances, open_source(utterances, 1.0), config)


@pytest.mark.parametrize(("workers", "prefetch"), [(0, 1), (1, 1), (2, 2)])
def test_batches_are_the_crops_that_the_sampler_names_in_its_order(dataset, workers, prefetch):
    loader = CropLoader(dataset, PLACES, 4, workers, prefetch)
    count = 0
    for places, (crops, labels) in zip(PLACES, loader, strict=True):
        expected = [dataset[place] for place in places]
        torch.testing.assert_close(crops, torch.stack([crop for crop, _ in expected]), rtol=0, atol=0)
        assert labels.tolist() == [label for _, label in expected]
        count += 1
    assert count == len(PLACES)


def test_a_batch_stays_as_it_is_until_the_next_is_taken_however_far_ahead_workers_are(dataset):
    """The workers fill every slot they may; the one in use is none of them."""
    batches = iter(CropLoader(dataset, PLACES, 4, workers=2, prefetch=2))
    for places in PLACES:
        crops, _ = next(batches)
        expected = torch.stack([dataset[place][0] for place in places])
        for _ in range(20):  # time for the workers to go as far as they can
            [dataset[place] for place in places]
        torch.testing.assert_close(crops, expected, rtol=0, atol=0)


def test_crops_are_written_where_they_are_read(dataset):
    loader = CropLoader(dataset, PLACES, 4, workers=2, prefetch=2)
    assert loader.ring.is_shared()
    places = {crops.data_ptr() for crops, _ in loader}
    assert len(places) == len(loader.ring) == 2 * 2 + 1


def test_each_pass_gives_the_same_batches(dataset):
    loader = CropLoader(dataset, PLACES, 4, workers=2, prefetch=1)
    first = [crops.clone() for crops, _ in loader]
    second = [crops.clone() for crops, _ in loader]
    assert torch.equal(torch.stack(first), torch.stack(second))


class DamagedDataset(CropDataset):
    """One crop cannot be read."""

    def __getitem__(self, place):
        if place[1] == 17:
            raise AudioError("a.wav holds no audio.")
        return super().__getitem__(place)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_refusal_is_the_same_sentence_from_a_worker(config, utterances, workers):
    dataset = DamagedDataset(utterances, open_source(utterances, 1.0), config)
    batches = iter(CropLoader(dataset, PLACES, 4, workers, prefetch=1))
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(AudioError, match=r"^a\.wav holds no audio\.$"):
        next(batches)


class DeadlyDataset(CropDataset):
    """One crop ends the process that makes it."""

    def __getitem__(self, place):
        if place[1] == 17:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(place)


@pytest.fixture
def no_handler():
    """Take away what a plain loader of another test in this process may have left behind."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.usefixtures("no_handler")
def test_a_worker_that_is_killed_is_missed_when_its_batch_is(config, utterances):
    others = set(multiprocessing.active_children())
    dataset = DeadlyDataset(utterances, open_source(utterances, 1.0), config)
    batches = iter(CropLoader(dataset, PLACES, 4, workers=1, prefetch=2))
    next(batches)
    while set(multiprocessing.active_children()) - others:  # the trainer may be writing a checkpoint
        time.sleep(0.1)
    said = r"is gone \(DataLoader worker .*\); .* go on .* with --resume\.$"
    with pytest.raises(TrainingError, match=said):  # what it had made may have died with it
        collections.deque(itertools.islice(batches, 2))


def test_batches_larger_than_memory_are_refused_with_what_to_lower(config, utterances):
    long = TrainConfig.model_validate(config.model_dump() | {"data": {"crop_seconds": 30.0}})
    dataset = CropDataset(utterances, open_source(utterances, 1.0), long)
    with pytest.raises(
        StorageError, match=r"take \d+\.\d\d GiB of shared memory, .* data\.workers or data\.prefetch"
    ):
        CropLoader(dataset, PLACES, 10_000_000, workers=2, prefetch=2)


def test_crops_grow_to_their_last_length_and_are_of_one_in_a_batch(config, utterances):
    growing = TrainConfig.model_validate(
        config.model_dump() | {"data": {"crop_seconds": 0.6, "final_crop_seconds": 1.1}}
    )
    dataset = CropDataset(utterances, open_source(utterances, 1.0), growing)
    size = growing.batch.speakers * growing.batch.utterances
    places = [[(row, size * step + row) for row in range(4)] for step in range(growing.optimizer.steps + 1)]
    for workers in (0, 2):
        lengths = []
        for batch, (crops, _) in zip(
            places, CropLoader(dataset, places, 4, workers, prefetch=1), strict=True
        ):
            lengths.append(crops.shape[1] / 16_000)
            torch.testing.assert_close(
                crops, torch.stack([dataset[place][0] for place in batch]), rtol=0, atol=0
            )
        assert lengths == [0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.1]
