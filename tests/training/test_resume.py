"""What a resumed run is to be, whatever broke it off: the uninterrupted one."""

import json
import random
import resource
import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional

from speakertrip.backend import Backend
from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig
from speakertrip.encoders.xvector import XVector
from speakertrip.errors import SpeakertripWarning, StorageError
from speakertrip.training import train
from speakertrip.training.checksummed import read_checksummed
from speakertrip.training.run import Run

FILES = ("checkpoint.safetensors", "checkpoint.previous.safetensors", "bundle/SHA256SUMS", "config.json")


class StopError(Exception):
    """Breaks a run off, as a kill does."""


@pytest.fixture(scope="module")
def small(config):
    changes = {
        "encoder": {"kind": "xvector", "channels": 8, "pooling_channels": 8, "embedding_dim": 8},
        "checkpoint": {"every": 2},
    }
    return TrainConfig.model_validate(config.model_dump() | changes)


@pytest.fixture(scope="module")
def whole(small, corpus, tmp_path_factory):
    run = tmp_path_factory.mktemp("resume") / "whole"
    train(small, corpus, run)
    return run


def stop(config, corpus, run, step):
    """Train until before a step."""

    def until(self, number):
        if number == step:
            raise StopError
        return original(self, number)

    original = Run.step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "step", until)
        with pytest.raises(StopError):
            train(config, corpus, run)


def require_same(run, whole, files=FILES):
    lines = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (run, whole)]
    losses = [[json.loads(line)["loss"] for line in some] for some in lines]
    assert losses[0] == losses[1]
    assert [name for name in files if (run / name).read_bytes() != (whole / name).read_bytes()] == []


def progress(run):
    return json.loads(read_checksummed(run / "checkpoint.safetensors")[1])["progress"]


def test_a_checkpoint_between_validations_knows_steps_and_best(small, whole, corpus, tmp_path):
    stop(small, corpus, tmp_path / "a", 3)
    assert progress(tmp_path / "a") == {"step": 2, "best_eer": float("inf"), "init": ""}
    assert not (tmp_path / "a" / "bundle").exists()
    stop(small, corpus, tmp_path / "b", 6)
    assert progress(tmp_path / "b")["step"] == 4
    assert progress(tmp_path / "b")["best_eer"] == Bundle.load(tmp_path / "b" / "bundle").calibration.eer
    for run in ("a", "b"):
        assert train(small, corpus, tmp_path / run, resume=True)
        require_same(tmp_path / run, whole)


def test_other_workers_give_the_same_crops(small, whole, corpus, tmp_path):
    stop(small, corpus, tmp_path / "run", 4)
    data = small.data.model_copy(update={"workers": 2, "prefetch": 3, "memory_gib": 0.0})
    assert train(small.model_copy(update={"data": data}), corpus, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("\n") == 6
    require_same(tmp_path / "run", whole, ["bundle/model.safetensors"])


def test_whatever_draws_within_a_step_draws_the_same(small, corpus, tmp_path, monkeypatch):
    def forward(self, features):
        return functional.dropout(original(self, features), 0.5, self.training)

    original = XVector.forward
    monkeypatch.setattr(XVector, "forward", forward)
    train(small, corpus, tmp_path / "whole")
    stop(small, corpus, tmp_path / "run", 6)
    torch.manual_seed(99)
    assert train(small, corpus, tmp_path / "run", resume=True)
    require_same(tmp_path / "run", tmp_path / "whole")


def test_nothing_draws_from_the_generators_that_no_checkpoint_keeps(small, corpus, tmp_path):
    chain = [{"kind": "babble"}, {"kind": "noise", "manifest": "manifest.test.jsonl"}, {"kind": "telephone"}]
    changed = TrainConfig.model_validate(small.model_dump() | {"augment": {"chain": chain}})
    before = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    train(changed, corpus, tmp_path / "run")
    assert (random.getstate(), str(np.random.get_state())) == before  # noqa: NPY002


def test_a_backend_that_was_fitted_in_place_outlives_another_start(small, whole, corpus, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    bundle = Bundle.load(run / "bundle")
    bundle.with_backend(Backend(), bundle.calibration.model_copy(update={"threshold": 7.0})).save(
        run / "bundle"
    )
    assert train(small, corpus, run, resume=True)
    assert Bundle.load(run / "bundle").calibration.threshold == 7.0


@pytest.mark.parametrize("step", [4, 6])
def test_a_bundle_that_is_lost_or_of_another_step_is_made_again(small, whole, corpus, tmp_path, step):
    run = tmp_path / "run"
    stop(small, corpus, run, step)
    shutil.rmtree(run / "bundle")
    if step == 6:  # as a kill between the two, or a damaged checkpoint, leaves it
        train(small, corpus, tmp_path / "later")
        shutil.copytree(tmp_path / "later" / "bundle", run / "bundle")
    assert train(small, corpus, run, resume=True)
    require_same(run, whole)
    shutil.rmtree(run / "bundle")
    assert train(small, corpus, run, resume=True)  # of a run at its end, too
    require_same(run, whole)


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(small, whole, corpus, tmp_path):
    run = tmp_path / "run"
    stop(small, corpus, run, 6)
    content = bytearray((run / "checkpoint.safetensors").read_bytes())
    content[len(content) // 2] ^= 8
    (run / "checkpoint.safetensors").write_bytes(content)
    with pytest.warns(SpeakertripWarning, match="going on from the one before it, of step 3"):
        assert train(small, corpus, run, resume=True)
    require_same(run, whole)


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(small, whole, corpus, tmp_path):
    run, (soft, hard) = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(record):
        if record.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))

    try:
        with pytest.raises(
            StorageError, match=r"checkpoint\.safetensors: File too large; the one before is kept"
        ):
            train(small, corpus, run, on_record=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert progress(run)["step"] == 3
    assert train(small, corpus, run, resume=True)
    require_same(run, whole)
