import json
import os
import shutil
import signal
import threading

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig
from speakertrip.corpora import split_speakers
from speakertrip.errors import (
    AudioError,
    ConfigError,
    DataError,
    SpeakertripError,
    SpeakertripWarning,
    TrainingError,
    UsageError,
)
from speakertrip.manifests import write_manifest
from speakertrip.training import train
from speakertrip.training.record import MEASURED
from speakertrip.training.source import open_source

FILES = ("checkpoint.safetensors", "bundle/model.safetensors", "bundle/calibration.json", "config.json")


def records(run):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        for name in MEASURED:
            row.pop(name, None)
    return rows


def state(run):
    """What a run has become, its best bundle included."""
    return load_file(run / "checkpoint.safetensors")


@pytest.fixture(scope="module")
def finished(config, corpus, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "whole"
    seen = []
    assert train(config, corpus, run, on_record=seen.append)
    return run, seen


def test_writes_the_run(finished, config):
    run, seen = finished
    assert [record.step for record in seen] == [1, 3, 6]
    assert [row["step"] for row in records(run)] == [1, 2, 3, 4, 5, 6]
    validated = [record for record in seen if record.validation_eer is not None]
    assert [record.step for record in validated] == [3, 6]
    bundle = Bundle.load(run / "bundle")
    best = min(validated, key=lambda record: record.validation_eer)
    assert bundle.calibration.eer == best.validation_eer
    assert bundle.calibration.threshold == best.threshold
    assert best.best
    assert "7 speakers" in bundle.card
    assert json.loads((run / "config.json").read_text()) == json.loads(config.model_dump_json())


def test_a_second_run_is_the_same_to_the_bit(finished, config, corpus, tmp_path):
    train(config, corpus, tmp_path / "again")
    assert records(tmp_path / "again") == records(finished[0])
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (finished[0] / name).read_bytes(), name


def test_an_interrupt_saves_and_a_resumed_run_ends_as_the_uninterrupted_one(
    finished, config, corpus, tmp_path
):
    run = tmp_path / "stopped"

    def interrupt(record):
        if record.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    assert train(config, corpus, run, on_record=interrupt) is False
    assert signal.getsignal(signal.SIGINT) == before
    assert [row["step"] for row in records(run)] == [1, 2]
    assert not (run / "bundle").exists()  # no validation was due
    assert train(config, corpus, run, resume=True) is True
    assert records(run) == records(finished[0])
    assert {name.split(".")[0] for name in state(run)} == {"model", "objective", "optimizer", "bundle"}
    for name in FILES:
        assert (run / name).read_bytes() == (finished[0] / name).read_bytes(), name


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_end_saves_as_an_interrupt_does(finished, config, corpus, tmp_path, name):
    if not hasattr(signal, name):
        pytest.skip("this system has no such signal")

    def end(record):
        if record.step == 1:
            os.kill(os.getpid(), getattr(signal, name))

    before = signal.signal(getattr(signal, name), signal.SIG_DFL)  # ignored where nohup runs the tests
    assert train(config, corpus, tmp_path / "run", on_record=end) is False
    assert signal.signal(getattr(signal, name), before) == signal.SIG_DFL
    assert [row["step"] for row in records(tmp_path / "run")] == [1, 2]
    assert train(config, corpus, tmp_path / "run", resume=True) is True
    assert records(tmp_path / "run") == records(finished[0])


def test_what_somebody_puts_into_the_bundle_stays_and_ends_nothing(finished, config, corpus, tmp_path):
    run = tmp_path / "run"

    def put(record):
        if record.step == 3:
            (run / "bundle" / "notes.txt").write_text("years of work")

    assert train(config, corpus, run, on_record=put)
    assert train(config, corpus, run, resume=True)
    assert (run / "bundle" / "notes.txt").read_text() == "years of work"
    for name in FILES:
        assert (run / name).read_bytes() == (finished[0] / name).read_bytes(), name


def broken(what, config, run, corpus, finished):
    """Return a configuration, and further arguments, that a training is to refuse."""
    if what == "another configuration":
        shutil.copytree(finished, run)
        return config.model_copy(update={"seed": 5}), {"resume": True}
    if what == "a bundle of somebody":
        (run / "bundle").mkdir(parents=True)
        (run / "bundle" / "thesis.txt").touch()
    if what == "a file in the place of the run":
        run.touch()
    if what == "nothing to begin with":
        return config, {"init": corpus / "nowhere"}
    if what == "a device that is not there":
        return config, {"device": "tpu"}
    if what == "too few speakers":
        return config.model_copy(update={"batch": config.batch.model_copy(update={"speakers": 99})}), {}
    return config, {}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("another configuration", "another seed"),
        ("a bundle of somebody", "bundle holds other files .thesis"),
        ("a file in the place of the run", "Cannot write"),
        ("nothing to begin with", "no bundle at"),
        ("a device that is not there", "'tpu' is not available"),
        ("too few speakers", "cannot be filled"),
    ],
)
def test_what_is_wrong_is_said_before_the_corpus_is_decoded(finished, config, corpus, tmp_path, what, words):
    changed, more = broken(what, config, tmp_path / "run", corpus, finished[0])
    decoded = []

    def spy(*arguments):
        decoded.append(arguments)
        return open_source(*arguments)

    with pytest.raises(SpeakertripError, match=words):
        train(changed, corpus, tmp_path / "run", source_of=spy, **more)
    assert not decoded


STATEFUL = {
    "hard speakers": {"batch": {"speakers": 4, "utterances": 2, "hard_share": 0.5}},
    "adaptive margin": {"loss": {"margin": {"kind": "adaptive", "rate": 0.1}}},
    "memory with momentum": {"loss": {"memory": {"size": 30, "momentum": 0.9}}},
    "miner that draws": {"loss": {"miner": {"kind": "random", "count": 3}}},
    "guard that counts": {"loss": {"guard": {"action": "ease", "patience": 4, "collapsed_cosine": 0.01}}},
    "softmax": {"loss": {"kind": "aam-softmax", "margin_warmup_steps": 5}},
    "ge2e": {"loss": {"kind": "ge2e"}},
    "joint loss": {"loss": {"kind": "joint", "softmax": {"kind": "aam-softmax"}, "weight": 0.5}},
    "average": {"average": {"kind": "ema", "decay": 0.5}},
    "average of the last": {"average": {"kind": "last", "count": 2, "every": 3}},
    "growing crops": {"data": {"crop_seconds": 0.8, "final_crop_seconds": 1.0, "workers": 2}},
    "frozen start in parts": {
        "loss": {"kind": "aam-softmax"},
        "optimizer": {"steps": 6, "frozen_steps": 2},
        "compute": {"micro_batch": 5, "precision": "bf16"},
    },
    "half precision": {"compute": {"precision": "fp16"}},
    "chain of effects": {
        "augment": {
            "chain": [
                {"kind": "babble", "probability": 0.7},
                {"kind": "noise", "probability": 0.7, "manifest": "manifest.test.jsonl"},
                {"kind": "telephone", "probability": 0.5},
            ]
        }
    },
}


@pytest.mark.parametrize("change", STATEFUL.values(), ids=STATEFUL)
def test_what_carries_state_is_resumed_exactly(change, config, corpus, tmp_path):
    changed = TrainConfig.model_validate(config.model_dump() | change)
    train(changed, corpus, tmp_path / "whole")

    def interrupt(record):
        if record.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    assert train(changed, corpus, tmp_path / "stopped", on_record=interrupt) is False
    assert train(changed, corpus, tmp_path / "stopped", resume=True) is True
    whole, stopped = (records(tmp_path / name) for name in ("whole", "stopped"))
    assert stopped == whole
    first, second = (state(tmp_path / name) for name in ("whole", "stopped"))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_a_run_may_begin_with_the_encoder_of_another(finished, config, corpus, tmp_path):
    softmax = TrainConfig.model_validate(config.model_dump() | {"loss": {"kind": "aam-softmax"}})
    train(softmax, corpus, tmp_path / "first")
    first, second = tmp_path / "first" / "bundle", tmp_path / "second"

    def interrupt(record):
        os.kill(os.getpid(), signal.SIGINT)

    assert train(config, corpus, second, init=first, on_record=interrupt) is False
    assert train(config, corpus, second, resume=True)  # which remembers what it began with
    assert records(second)[0]["loss"] != records(finished[0])[0]["loss"]
    starts = json.loads((second / "run.json").read_text())["starts"]
    assert [start["init"] for start in starts] == [str(first)] * 2
    assert f"began with that of {first}" in Bundle.load(second / "bundle").card
    train(config, corpus, second, resume=True, init=first)
    with pytest.warns(
        SpeakertripWarning, match="second began with .*first/bundle, not with nope, and goes on as it is"
    ):
        train(config, corpus, second, resume=True, init="nope")
    other = config.model_copy(update={"features": config.features.model_copy(update={"mels": 40})})
    with pytest.raises(ConfigError, match="another front end than the configuration"):
        train(other, corpus, tmp_path / "third", init=tmp_path / "first" / "bundle")
    assert not (tmp_path / "third").exists()


def test_a_resumed_run_keeps_its_settings_and_its_manifest(finished, config, corpus, utterances, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished[0], run)
    before = {file: file.read_bytes() for file in run.iterdir() if file.is_file()}
    other = config.model_copy(update={"seed": 5})
    with pytest.raises(ConfigError, match="another seed"):
        train(other, corpus, run, resume=True)
    write_manifest(tmp_path / "manifest.train.jsonl", utterances[:-1])
    with pytest.raises(ConfigError, match="another training manifest"):
        train(config, tmp_path, run, resume=True)
    assert {file: file.read_bytes() for file in run.iterdir() if file.is_file()} == before


def test_trains_from_another_thread_without_touching_signals(config, corpus, tmp_path):
    done = []
    thread = threading.Thread(target=lambda: done.append(train(config, corpus, tmp_path / "run")))
    thread.start()
    thread.join()
    assert done == [True]


def test_workers_and_files_give_the_same_run_as_memory(finished, config, corpus, tmp_path):
    data = config.data.model_copy(update={"workers": 2, "prefetch": 3, "memory_gib": 0.0})
    train(config.model_copy(update={"data": data}), corpus, tmp_path / "run")
    assert records(tmp_path / "run") == records(finished[0])


def test_a_bad_file_of_the_chain_is_named_before_the_run_begins(config, corpus, tmp_path):
    soundfile.write(tmp_path / "good.wav", np.full(9_000, 0.1), 16_000)
    (tmp_path / "bad.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:30])
    (tmp_path / "list").write_text("good.wav\nbad.wav\n")
    chain = {
        "chain": [{"kind": "gain"}, {"kind": "noise", "manifest": f"{tmp_path}/list", "probability": 0.01}]
    }
    changed = TrainConfig.model_validate(config.model_dump() | {"augment": chain})
    with pytest.raises(AudioError, match=r"augment\.chain\.1 \(noise\): .*bad\.wav"):
        train(changed, corpus, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_reads_nothing_but_the_training_manifest_and_its_audio(finished, config, corpus, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(corpus / "wav" / "train", bare / "wav" / "train")
    shutil.copy(corpus / "manifest.train.jsonl", bare)
    train(config, bare, tmp_path / "run")
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (finished[0] / name).read_bytes(), name


def test_held_out_speakers_are_not_trained_on(config, corpus, utterances, tmp_path):
    _, held = split_speakers(utterances, 3, config.seed)
    kept_files = []

    def spy(chosen, *rest):
        kept_files.extend(u.speaker for u in chosen)
        return open_source(chosen, *rest)

    train(config, corpus, tmp_path / "run", source_of=spy)
    assert len(set(kept_files)) == 7
    assert not set(kept_files) & {u.speaker for u in held}


def test_a_run_is_never_overwritten_by_accident(finished, config, corpus, tmp_path):
    with pytest.raises(UsageError, match="holds a run already; go on with --resume"):
        train(config, corpus, finished[0])


def test_a_run_that_has_no_checkpoint_yet_is_resumed_from_its_beginning(finished, config, corpus, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.jsonl").write_text('{"step": 1, "loss": 9.0}\n{"step": 2')
    with pytest.warns(SpeakertripWarning, match=f"no checkpoint in {run} yet: the run begins anew"):
        assert train(config, corpus, run, resume=True) is True
    assert records(run) == records(finished[0])
    for name in FILES:
        assert (run / name).read_bytes() == (finished[0] / name).read_bytes(), name


def test_too_little_data_is_said_in_words(config, corpus, utterances, tmp_path):
    with pytest.raises(DataError, match=r"Cannot read the manifest .*nowhere"):
        train(config, tmp_path / "nowhere", tmp_path / "a")
    assert not (tmp_path / "a").exists()
    once = [u for u in utterances if u.session == "session-0" and u.id.endswith("0.wav")]
    write_manifest(tmp_path / "manifest.train.jsonl", once)
    with pytest.raises(DataError, match=r"Cannot hold out 3 speakers .* 0 with two or more utterances"):
        train(config, tmp_path, tmp_path / "b")
    large = config.model_copy(update={"batch": config.batch.model_copy(update={"speakers": 500})})
    with pytest.raises(TrainingError, match="batch of 500 speakers cannot be filled from 21"):
        train(large, corpus, tmp_path / "c")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_trains_on_a_gpu(config, corpus, tmp_path):
    assert train(config, corpus, tmp_path / "run", device="cuda")
