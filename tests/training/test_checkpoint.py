import pytest
import torch

from speakertrip.config import TrainConfig
from speakertrip.errors import ConfigError, StorageError, TrainingError
from speakertrip.training.checkpoint import Origin, Progress, load_checkpoint, save_checkpoint
from speakertrip.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def trained(config):
    trainer = Trainer(config, CPU, 6)
    for step in (1, 2):
        trainer.step(step, torch.randn(12, 12_800), torch.arange(12) // 2)
    return trainer


def test_a_restored_trainer_goes_on_to_the_bit(config, trained, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, trained.modules, trained.optimizer, Progress(2, 0.125), Origin(config, "abc"))
    restored = Trainer(config, CPU, 6)
    assert load_checkpoint(path, restored.modules, restored.optimizer, Origin(config, "abc")) == Progress(
        2, 0.125
    )
    batch, labels = torch.randn(12, 12_800), torch.arange(12) // 2
    for trainer in (trained, restored):
        trainer.step(3, batch, labels)
    for (name, ours), theirs in zip(
        trained.model.state_dict().items(), restored.model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_infinity_survives(config, trained, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, trained.modules, trained.optimizer, Progress(), Origin(config, "abc"))
    assert load_checkpoint(path, trained.modules, trained.optimizer, Origin(config, "abc")) == Progress()


def test_another_configuration_is_refused_by_key(config, trained, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, trained.modules, trained.optimizer, Progress(2), Origin(config, "abc"))
    other = TrainConfig.model_validate(
        config.model_dump()
        | {
            "seed": 9,
            "loss": {"margin": 0.9},
            "data": config.data.model_dump() | {"workers": 3, "prefetch": 4},
        }
    )
    with pytest.raises(ConfigError, match=r"another loss\.margin, seed, training manifest;"):
        load_checkpoint(path, trained.modules, trained.optimizer, Origin(other, "def"))


@pytest.mark.parametrize("content", [b"", b"noise" * 100, None])
def test_a_damaged_file_is_refused(config, trained, tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, trained.modules, trained.optimizer, Progress(2), Origin(config, "abc"))
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(TrainingError, match="cannot be read"):
        load_checkpoint(path, trained.modules, trained.optimizer, Origin(config, "abc"))


def test_an_interrupted_write_leaves_the_old_file(config, trained, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, trained.modules, trained.optimizer, Progress(2), Origin(config, "abc"))
    before = path.read_bytes()

    def full(tensors, target, metadata):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("speakertrip.training.checkpoint.save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        save_checkpoint(path, trained.modules, trained.optimizer, Progress(3), Origin(config, "abc"))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
