"""A corpus and a configuration that train in seconds."""

import pytest

from speakertrip.config import TrainConfig
from speakertrip.corpora.synthetic import write_synthetic_corpus
from speakertrip.manifests import read_manifest


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with a synthetic corpus: 10 training speakers with 2 sessions of 2 utterances."""
    folder = tmp_path_factory.mktemp("corpus")
    write_synthetic_corpus(folder, train_speakers=10, test_speakers=3, sessions=2, utterances=2, seconds=1.2)
    return folder


@pytest.fixture(scope="session")
def utterances(corpus):
    return read_manifest(corpus / "manifest.train.jsonl")


@pytest.fixture(scope="session")
def config():
    return TrainConfig.model_validate(
        {
            "seed": 1,
            "encoder": {
                "kind": "ecapa",
                "channels": 16,
                "embedding_dim": 16,
                "attention_channels": 8,
                "se_channels": 8,
                "res2net_scale": 4,
            },
            "data": {"crop_seconds": 0.8},
            "batch": {"speakers": 6, "utterances": 2},
            "optimizer": {"steps": 6, "warmup_steps": 2, "lr": 3e-3},
            "validation": {"speakers": 3, "every": 3, "nontargets": 50},
        }
    )
