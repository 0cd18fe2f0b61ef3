import json
import os
import resource
import stat

import pytest
import torch
from safetensors import safe_open

from speakertrip.config import TrainConfig
from speakertrip.errors import ConfigError, SpeakertripWarning, StorageError, TrainingError
from speakertrip.training.checkpoint import Checkpoints, Origin, Progress
from speakertrip.training.checksummed import read_checksummed, write_checksummed
from speakertrip.training.trainer import Trainer

CPU = torch.device("cpu")
BUNDLE = {"model.safetensors": b"\x00\xffweights", "README.md": b""}
LAST, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"


@pytest.fixture
def trained(config):
    trainer = Trainer(config, CPU, 6)
    for step in (1, 2):
        trainer.step(step, torch.randn(12, 12_800), torch.arange(12) // 2)
    return trainer


@pytest.fixture
def origin(config):
    return Origin(config, "abc")


@pytest.fixture
def save(trained, origin):
    def save(checkpoints, step=2, best=0.125):
        checkpoints.save(trained.modules, trained.optimizer, Progress(step, best), origin, BUNDLE)

    return save


@pytest.fixture
def load(trained, origin):
    def load(folder):
        return Checkpoints(folder).load(trained.modules, trained.optimizer, origin)[0]

    return load


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_restored_trainer_goes_on_to_the_bit(config, origin, trained, save, tmp_path):
    save(Checkpoints(tmp_path))
    restored = Trainer(config, CPU, 6)
    loaded = Checkpoints(tmp_path).load(restored.modules, restored.optimizer, origin)
    assert loaded == (Progress(2, 0.125), BUNDLE)
    assert list(loaded[1]) == list(BUNDLE)  # the order of its checksums
    batch, labels = torch.randn(12, 12_800), torch.arange(12) // 2
    for trainer in (trained, restored):
        trainer.step(3, batch, labels)
    for (name, ours), theirs in zip(
        trained.model.state_dict().items(), restored.model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_infinity_survives(save, load, tmp_path):
    save(Checkpoints(tmp_path), 0, float("inf"))
    assert load(tmp_path) == Progress()


def test_another_configuration_is_refused_by_key(config, trained, save, tmp_path):
    save(Checkpoints(tmp_path))
    other = TrainConfig.model_validate(
        config.model_dump()
        | {
            "seed": 9,
            "loss": {"margin": 0.9},
            "data": config.data.model_dump() | {"workers": 3, "prefetch": 4},
            "checkpoint": {"every": 1},
        }
    )
    with pytest.raises(ConfigError, match=r"another loss\.margin, seed, training manifest;"):
        Checkpoints(tmp_path).load(trained.modules, trained.optimizer, Origin(other, "def"))


def test_the_one_before_is_kept(save, load, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert not checkpoints.exist()
    save(checkpoints, 1)
    assert names(tmp_path) == [LAST]
    first = (tmp_path / LAST).read_bytes()
    for step in (2, 3):
        save(checkpoints, step)
    assert names(tmp_path) == [PREVIOUS, LAST]
    assert (tmp_path / PREVIOUS).read_bytes() != first
    assert load(tmp_path) == Progress(3, 0.125)


def flip(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "cannot be read": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "is damaged": flip,
    "is missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize(("words", "damage"), DAMAGES.items(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_said_and_the_one_before_it_taken_and_kept(
    trained, origin, save, load, tmp_path, words, damage
):
    first = Checkpoints(tmp_path)
    save(first, 1)
    save(first, 2)
    damage(tmp_path / LAST)
    again = Checkpoints(tmp_path)
    with pytest.warns(
        SpeakertripWarning, match=f"{LAST} {words}.*; going on from the one before it, of step 1"
    ):
        assert again.load(trained.modules, trained.optimizer, origin)[0].step == 1
    save(again, 3)  # which must not put the damaged one in the place of the good one
    (tmp_path / LAST).unlink()
    with pytest.warns(SpeakertripWarning, match="of step 1"):
        load(tmp_path)
    save(again, 4)
    assert names(tmp_path) == [PREVIOUS, LAST]


def test_where_both_are_damaged_the_run_cannot_go_on(save, load, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    (tmp_path / LAST).write_bytes(b"")
    with pytest.raises(
        TrainingError, match=r"cannot be read \(.*\), and checkpoint\.previous.* is missing; start"
    ):
        load(tmp_path)


def test_a_checkpoint_of_another_version_is_refused(save, load, tmp_path):
    save(Checkpoints(tmp_path))
    tensors, text = read_checksummed(tmp_path / LAST)
    write_checksummed(tmp_path / LAST, {name: tensors[name] for name in list(tensors)[:-1]}, text)
    with pytest.raises(TrainingError, match="another version"):
        load(tmp_path)
    run = json.loads(text)
    run["progress"]["naps"] = 3
    write_checksummed(tmp_path / LAST, tensors, json.dumps(run))
    with pytest.raises(TrainingError, match="another version"):
        load(tmp_path)


def test_holds_no_pickle_and_is_readable_by_others(save, tmp_path):
    save(Checkpoints(tmp_path))
    with safe_open(tmp_path / LAST, framework="np") as file:
        assert "model.encoder.model.fc.conv.weight" in file.keys()  # noqa: SIM118
        assert json.loads(json.loads(file.metadata()["seal"])["text"])["progress"]["step"] == 2


def test_a_full_disk_leaves_both_and_no_rest(save, load, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    save(checkpoints, 2)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(
            StorageError, match=r"checkpoint\.safetensors: File too large; the one before is kept"
        ):
            save(checkpoints, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert load(tmp_path).step == 2


@pytest.mark.parametrize("call", ["save_file", "os.fsync", "os.posix_fadvise", "read_checksummed"])
def test_wherever_a_write_breaks_off_both_are_left(save, tmp_path, monkeypatch, call):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    save(checkpoints, 2)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"speakertrip.training.checksummed.{call}", full)
    with pytest.raises(StorageError, match="No space left on device; the one before is kept"):
        save(checkpoints, 3)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_became_read_only(save, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, 1)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(StorageError, match="Permission denied; the one before is kept"):
            save(checkpoints, 2)
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_folder_that_is_a_file(save, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match=r"run/checkpoint\.safetensors: .*; there is none yet"):
        save(Checkpoints(tmp_path / "run"))
