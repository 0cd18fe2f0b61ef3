from pathlib import Path

import pytest
import torch
from torch import nn

from speakertrip.config import TrainConfig
from speakertrip.embedding import Embedder
from speakertrip.errors import DivergedError, SamplesError, TrainingError
from speakertrip.manifests import Utterance
from speakertrip.training import train
from speakertrip.training.batches import Batches, EpochCentroids
from speakertrip.training.dataset import CropDataset
from speakertrip.training.finite import NotFiniteError, finite
from speakertrip.training.source import open_source
from speakertrip.training.trainer import Trainer


class Model(nn.Module):
    """Features are the waveform times 2, embeddings their sum and their largest, in batches of rows alone."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def log_mel(self, waveforms):
        return torch.where(waveforms == 13, torch.nan, 2 * waveforms)

    def encoder(self, features):
        assert len(features) == 1
        assert not self.training
        return torch.stack([features.sum(dim=1), features.amax(dim=1) / (features[:, 0] != 14)], dim=1)


def utterances(count=6):
    return [Utterance(f"id{row}", Path(f"{row}.wav"), "speaker") for row in range(count)]


def refuse(waveforms):
    with finite(7, waveforms, Model(), utterances):
        raise NotFiniteError("At step 7 the loss is nan.")


def test_what_is_finite_passes_and_asks_for_no_names():
    with finite(1, torch.ones(3, 4), Model(), lambda: pytest.fail("asked")):
        pass


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e7, -1e7])
def test_crops_that_are_no_numbers_are_refused_by_name(value):
    waveforms = torch.ones(6, 4)
    waveforms[4, 2] = value
    with pytest.raises(SamplesError, match=r"step 7 .* of id4 \(4\.wav\); mend"):
        refuse(waveforms)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (13.0, "The features are not finite of id1 (1.wav): listen"),
        (7.0, "The embeddings are not finite of id1 (1.wav): listen"),
        (1e5, "times longer than the others of id1 (1.wav): listen"),
        (1.0, "No utterance of the batch stands out."),
    ],
)
def test_the_utterance_to_blame_is_named(value, words):
    waveforms = torch.ones(6, 4)
    waveforms[1] = value
    with pytest.raises(DivergedError) as caught:
        refuse(waveforms)
    assert str(caught.value).startswith("At step 7 the loss is nan. ")
    assert words in str(caught.value)


def test_if_all_are_bad_the_weights_are_to_blame():
    with pytest.raises(TrainingError, match="all utterances of the batch: the weights are to blame"):
        refuse(torch.full((6, 4), 7.0))


def test_only_some_of_many_are_named():
    waveforms = torch.full((9, 4), 7.0)
    waveforms[0] = 1
    with (
        pytest.raises(TrainingError, match=r"id1 .* id5 \(5\.wav\) and 3 more"),
        finite(7, waveforms, Model(), lambda: utterances(9)),
    ):
        raise NotFiniteError("No.")


class Spied:
    """A source that remembers which utterances it was asked for."""

    def __init__(self, source):
        self.source, self.lengths, self.asked = source, source.lengths, []

    def read(self, index, first, count):
        self.asked.append(index)
        return self.source.read(index, first, count)


@pytest.mark.parametrize("hard_share", [0.0, 0.5])
def test_batches_know_the_utterances_of_the_last_one(hard_share, config, utterances):
    changes = {"batch": {"speakers": 4, "utterances": 2, "hard_share": hard_share}}
    changed = TrainConfig.model_validate(config.model_dump() | changes)
    source = Spied(open_source(utterances, 1.0))
    dataset = CropDataset(utterances, source, changed)
    centroids = EpochCentroids(dataset.speakers, 16) if hard_share else None
    batches = Batches(dataset, changed, 2, centroids)
    assert batches.sampler.batches_per_epoch < 9
    for step in range(9):
        source.asked.clear()
        _, labels = batches.next()
        assert batches.utterances() == [utterances[index] for index in source.asked], step
        if centroids:
            generator = torch.Generator().manual_seed(step)
            centroids.add(torch.randn(8, 16, generator=generator), labels)


def test_a_run_names_the_utterances_of_its_step(config, corpus, tmp_path, monkeypatch):
    step = Trainer.step

    def explode(self, number, waveforms, labels):
        if number == 3:
            raise NotFiniteError("At step 3 the loss is inf.")
        return step(self, number, waveforms, labels)

    monkeypatch.setattr(Trainer, "step", explode)
    with pytest.raises(
        TrainingError, match=r"At step 3 the loss is inf\. No utterance of the batch stands out"
    ):
        train(config, corpus, tmp_path / "run")


def test_crops_that_augmentation_spoils_are_named(config, corpus, tmp_path, monkeypatch):
    crop = CropDataset.__getitem__

    def spoil(self, place):
        waveform, label = crop(self, place)
        return waveform / (0 if self.utterance(place[0]).id.endswith("0.wav") else 1), label

    monkeypatch.setattr(CropDataset, "__getitem__", spoil)
    with pytest.raises(SamplesError, match=r"At step 1 crops hold samples .*0\.wav .*mend these files"):
        train(config, corpus, tmp_path / "run")


def test_a_run_whose_embeddings_are_not_finite_says_at_which_step_and_keeps_nothing_of_it(
    config, corpus, tmp_path, monkeypatch
):
    embed = Embedder.embed

    def spoil(self, waveforms):
        next(self.model.encoder.parameters()).data.fill_(float("nan"))
        return embed(self, waveforms)

    monkeypatch.setattr(Embedder, "embed", spoil)
    with pytest.raises(DivergedError, match=r"^At step 3: The embeddings of .* lower optimizer\.lr or "):
        train(config, corpus, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 2
