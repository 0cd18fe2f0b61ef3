import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from speakertrip.config import AugmentConfig, TrainConfig
from speakertrip.errors import ConfigError
from speakertrip.manifests import Utterance
from speakertrip.training.dataset import CropDataset
from speakertrip.training.source import MemorySource, open_source

CLEAN = AugmentConfig(equalize_probability=0, noise_probability=0)


@pytest.fixture
def make(config, tmp_path):
    """Return a dataset over ramps of the given lengths, without augmentation unless asked."""

    def build(lengths, augment=CLEAN, speeds=(0.9, 1.0, 1.1)):
        utterances = [
            Utterance(str(i), tmp_path, f"spk{i // 2}", session=f"s{i}") for i in range(len(lengths))
        ]
        ramps = [np.arange(1, length + 1).astype(np.int16) for length in lengths]
        data = config.data.model_copy(update={"speeds": speeds})
        settings = config.model_copy(update={"augment": augment, "data": data})
        return CropDataset(utterances, MemorySource(ramps, [1 / 32_768] * len(ramps)), settings)

    return build


def test_each_speed_is_a_speaker_of_its_own(make):
    dataset = make([20_000] * 4)
    assert dataset.labels == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]
    assert dataset.sessions == [s for s in ("s0", "s1", "s2", "s3") for _ in range(3)]
    assert len(dataset) == 12


@pytest.mark.parametrize("length", [1, 100, 12_799, 12_800, 12_801, 13_000, 14_081, 30_000])
def test_every_crop_has_the_same_length(make, length):
    dataset = make([length, length])
    for row in range(6):
        for draw in range(5):
            crop, label = dataset[row, draw]
            assert crop.shape == (12_800,)
            assert label == dataset.labels[row]
            assert crop.isfinite().all()


def test_crops_are_stretches_of_the_utterance(make):
    dataset = make([30_000, 30_000], speeds=(1.0,))
    starts = set()
    for draw in range(50):
        samples = (dataset[0, draw][0].numpy() * 32_768).round()
        assert (np.diff(samples) == 1).all()
        starts.add(samples[0])
    assert len(starts) > 40
    assert min(starts) >= 1
    assert max(starts) <= 30_000 - 12_800 + 1


def test_short_utterances_wrap(make):
    samples = (make([1_000, 1_000], speeds=(1.0,))[0, 3][0].numpy() * 32_768).round()
    assert set(samples) == set(range(1, 1_001))
    assert (samples[1_000:] == samples[:-1_000]).all()


def test_a_faster_speed_raises_the_pitch(config, tmp_path):
    tone = (10_000 * np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 16_000)).astype(np.int16)
    utterances = [Utterance(str(i), tmp_path, "spk") for i in range(2)]
    settings = config.model_copy(update={"augment": CLEAN})
    dataset = CropDataset(utterances, MemorySource([tone, tone], [1 / 32_768] * 2), settings)
    for row, speed in enumerate(config.data.speeds):
        spectrum = np.abs(np.fft.rfft(dataset[row, 0][0].numpy() * np.hanning(12_800)))
        assert spectrum.argmax() * 16_000 / 12_800 == pytest.approx(1_000 * speed, abs=2)


def test_a_crop_depends_on_the_draw_alone(make):
    dataset = make([30_000, 30_000], augment=AugmentConfig())
    assert dataset[1, 5][0].equal(dataset[1, 5][0])
    assert not dataset[1, 5][0].equal(dataset[1, 6][0])


CHAIN = [
    {"kind": "noise", "probability": 0.7, "manifest": "manifest.test.jsonl"},
    {"kind": "babble", "probability": 0.7},
    {"kind": "room", "probability": 0.5, "count": 2, "reflections": 3},
    {"kind": "codec", "probability": 0.3, "codecs": ["mp3"]},
    {"kind": "telephone", "probability": 0.3},
    {"kind": "band", "probability": 0.3},
    {"kind": "equalize", "probability": 0.3},
    {"kind": "gain"},
]


def test_a_chain_gives_the_same_crops_whatever_the_number_of_workers(config, corpus, utterances):
    settings = TrainConfig.model_validate(
        config.model_dump() | {"augment": {"chain": CHAIN, "memory_mib": 0.3}}
    )
    dataset = CropDataset(utterances, open_source(utterances, 1.0), settings, corpus)
    places = [(row % len(dataset), draw) for draw, row in enumerate(range(0, 400, 7))]
    batches = [places[first : first + 8] for first in range(0, len(places), 8)]

    def load(workers):
        return [batch for batch, _ in DataLoader(dataset, batch_sampler=batches, num_workers=workers)]

    alone, shared = load(0), load(2)
    assert all(map(torch.equal, alone, shared))
    assert all(batch.isfinite().all() for batch in alone)
    dry = CropDataset(utterances, dataset.source, config.model_copy(update={"augment": CLEAN}), corpus)
    assert not any(dry[place][0].equal(crop) for place, crop in zip(places, torch.cat(alone), strict=True))


def test_each_pitch_at_each_speed_is_a_speaker_of_its_own(config, tmp_path):
    tone = (10_000 * np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 16_000)).astype(np.int16)
    data = config.data.model_copy(update={"speeds": (0.9, 1.0), "pitches": (0.0, 4.0)})
    settings = config.model_copy(update={"augment": CLEAN, "data": data})
    utterances = [Utterance(str(i), tmp_path, f"spk{i}") for i in range(2)]
    dataset = CropDataset(utterances, MemorySource([tone, tone], [1 / 32_768] * 2), settings)
    assert dataset.labels == list(range(8))
    assert dataset.speakers == 8
    for row, hertz in enumerate([900, 900 * 2 ** (1 / 3), 1_000, 1_000 * 2 ** (1 / 3)]):
        spectrum = np.abs(np.fft.rfft(dataset[row, 0][0].numpy() * np.hanning(12_800)))
        assert spectrum.argmax() * 16_000 / 12_800 == pytest.approx(hertz, rel=0.005)


def test_groups_come_from_a_key_of_the_manifest(config, tmp_path):
    utterances = [
        Utterance("a", tmp_path, "spk1", language="en", extra={"corpus": "x"}),
        Utterance("b", tmp_path, "spk2", extra={"corpus": 3}),
    ]
    source = MemorySource([np.ones(100, np.int16)] * 2, [1.0] * 2)

    def groups(key):
        batch = config.batch.model_copy(update={"group_by": key})
        return CropDataset(utterances, source, config.model_copy(update={"batch": batch})).groups

    assert groups("corpus") == ["x"] * 3 + ["3"] * 3
    assert groups("language") == ["en"] * 3 + [None] * 3
    assert groups("") is None
    with pytest.raises(ConfigError, match=r"batch\.group_by: no utterance has the key 'corpsu'"):
        groups("corpsu")
