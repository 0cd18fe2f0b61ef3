import itertools

import numpy as np
import pytest
import torch

from speakertrip.config import TrainConfig
from speakertrip.training.batches import Batches, EpochCentroids
from speakertrip.training.dataset import CropDataset
from speakertrip.training.source import open_source


@pytest.fixture(scope="module")
def hard_config(config):
    batch = {"speakers": 4, "utterances": 2, "hard_share": 0.5}
    return TrainConfig.model_validate(config.model_dump() | {"batch": batch})


@pytest.fixture(scope="module")
def dataset(hard_config, utterances):
    return CropDataset(utterances, open_source(utterances, 1.0), hard_config)


def labels_of(batches, count, centroids=None):
    """Take batches as a trainer would, with embeddings that lie near each other for neighbouring labels."""
    seen = []
    for _ in range(count):
        _, labels = batches.next()
        if centroids is not None:
            angle = labels.float() * 0.1
            centroids.add(torch.stack([angle.cos(), angle.sin()], dim=1), labels)
        seen.append(labels.tolist())
    return seen


def test_batches_by_chance_go_on_for_ever(config, utterances):
    dataset = CropDataset(utterances, open_source(utterances, 1.0), config)
    whole = labels_of(Batches(dataset, config, 0, None), 12)
    assert labels_of(Batches(dataset, config, 7, None), 5) == whole[7:]


def test_hard_speakers_share_batches_from_the_second_epoch_on(dataset, hard_config):
    centroids = EpochCentroids(dataset.speakers, 2)
    batches = Batches(dataset, hard_config, 0, centroids)
    epoch = batches.sampler.batches_per_epoch
    seen = labels_of(batches, 2 * epoch, centroids)
    nearest = [min(b - a for a, b in itertools.pairwise(row)) for row in map(sorted, map(set, seen))]
    assert np.mean(nearest[epoch:]) < np.mean(nearest[:epoch])
    assert nearest[epoch:].count(1) > epoch / 2  # half of a batch is a speaker and its neighbour


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_resumed_stream_of_hard_speakers_goes_on_as_it_would_have(dataset, hard_config, offset):
    first = EpochCentroids(dataset.speakers, 2)
    batches = Batches(dataset, hard_config, 0, first)
    done = 2 * batches.sampler.batches_per_epoch + offset
    labels_of(batches, done, first)
    second = EpochCentroids(dataset.speakers, 2)
    second.load_state_dict(first.state_dict())
    resumed = Batches(dataset, hard_config, done, second)
    assert labels_of(resumed, 12, second) == labels_of(batches, 12, first)


def test_a_speaker_that_an_epoch_leaves_out_keeps_its_place():
    centroids = EpochCentroids(3, 2)
    assert centroids.known() is None
    centroids.add(torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1]))
    centroids.begin_epoch()
    centroids.add(torch.tensor([[0.0, 1.0]]), torch.tensor([0]))
    centroids.begin_epoch()
    assert centroids.known().tolist() == [[0, 1], [0, 1], [0, 0]]
