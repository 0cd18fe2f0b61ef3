"""A tune as a whole, on a synthetic corpus: what it leaves, that it goes on, and what it refuses."""

import json
import os
import signal
from dataclasses import replace

import pytest

from speakertrip.config import TrainConfig, TuneSpace, read_config
from speakertrip.embedding import Embedder
from speakertrip.errors import ConfigError, DivergedError, SpeakertripWarning, TrainingError, UsageError
from speakertrip.manifests import write_manifest
from speakertrip.training.group import ENVIRONMENT
from speakertrip.training.run import Run
from speakertrip.training.tuning import Plan, search, trial, tune
from speakertrip.training.tuning.records import trial_folder
from speakertrip.training.tuning.space import place, shorten

pytest.importorskip("optuna")
STEPS = 4


@pytest.fixture(scope="module")
def recipe(config):
    small = {"batch": {"speakers": 4, "utterances": 2}, "data": {"crop_seconds": 0.6, "speeds": [1.0]}}
    return TrainConfig.model_validate(config.model_dump(exclude_unset=True) | small)


@pytest.fixture(scope="module")
def plan(recipe, corpus, tmp_path_factory):
    ranges = TuneSpace(utterances=(2, 4))
    return Plan(recipe, corpus, tmp_path_factory.mktemp("tune") / "out", 3, STEPS, ranges, "cpu")


@pytest.fixture(scope="module")
def findings(plan):
    return tune(plan)


def rows(plan):
    return [json.loads(line) for line in (plan.out / "trials.jsonl").read_text().splitlines()]


def test_leaves_a_line_for_each_trial(findings, plan):
    found = rows(plan)
    assert [row["trial"] for row in found] == [0, 1, 2]
    for row in found:
        assert row["state"] == "complete"
        assert row["eer_interval"][0] <= row["eer_interval"][1]
        assert row["steps"] == STEPS
        assert row["seconds"] > 0
        assert row["speakers"] * row["utterances"] == 8
    assert (plan.out / "margin.png").read_bytes().startswith(b"\x89PNG")
    assert findings.done


def test_the_best_comes_first_and_the_others_are_compared_with_it(findings):
    eers = [record.verdict.eer for record in findings.records]
    assert eers == sorted(eers)
    assert findings.best == findings.records[0]
    assert set(findings.behind) == {record.number for record in findings.records[1:]}
    for record in findings.records[1:]:
        paired = findings.behind[record.number]
        assert paired.difference == pytest.approx(record.verdict.eer - eers[0])
        assert (record.number in findings.not_told_apart) == (not paired.real)
    printed = findings.to_json()
    assert printed[0]["best"] is True
    assert [entries["told_apart"] for entries in printed[1:]] == [
        findings.behind[record.number].real for record in findings.records[1:]
    ]


def test_the_best_configuration_is_the_recipe_with_the_values_of_the_best_trial(findings, plan):
    best = read_config(plan.out / "best.toml")
    assert best == place(plan.recipe, findings.best.point)
    folder = trial_folder(plan.out, findings.best.number)
    ran = TrainConfig.model_validate_json((folder / "config.json").read_text())
    without = {"data": {"manifest"}}
    assert shorten(best, STEPS).model_dump(exclude=without) == ran.model_dump(exclude=without)


def test_the_same_call_changes_nothing_and_a_larger_one_goes_on(findings, plan):
    before = rows(plan)
    assert tune(plan) == findings
    assert rows(plan) == before


@pytest.fixture
def stop_after(monkeypatch):
    """Return ``stop_after(step)``: every training ends there, as by a SIGKILL after the checkpoint."""

    class KilledError(BaseException):
        pass

    real = trial.train

    def patch(step):
        def train(*arguments, on_record, **options):
            def watch(record):
                on_record(record)
                if record.step == step:
                    raise KilledError

            return real(*arguments, on_record=watch, **options)

        monkeypatch.setattr(trial, "train", train)
        return KilledError

    return patch


def test_a_trial_that_was_cut_off_goes_on_from_its_checkpoint(
    findings, plan, tmp_path, stop_after, monkeypatch
):
    cut = replace(plan, out=tmp_path / "cut", trials=1)
    with pytest.raises(stop_after(2)):
        tune(cut)
    monkeypatch.undo()
    assert (trial_folder(cut.out, 0) / "checkpoint.safetensors").exists()
    resumed = []
    real = trial.train

    def train(config, data, out, resume, *arguments, **options):
        resumed.append(resume)
        return real(config, data, out, resume, *arguments, **options)

    monkeypatch.setattr(trial, "train", train)
    found = tune(cut)
    assert resumed == [True]
    whole = rows(plan)[0]
    again = found.records[0].to_json()
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}


def test_a_hopeless_trial_is_stopped_and_judged_as_it_is(findings, plan, tmp_path, monkeypatch):
    study = pytest.importorskip("speakertrip.training.tuning.study")
    asked = []
    monkeypatch.setattr(study.Study, "report", lambda self, claim, step, eer: asked.append(step) or True)
    found = tune(replace(plan, out=tmp_path / "hopeless", trials=1))
    (record,) = found.records
    assert (record.state, record.steps, asked) == ("pruned", 2, [2])
    assert record.verdict.interval[0] <= record.verdict.eer <= record.verdict.interval[1]
    assert found.best is None
    assert not (tmp_path / "hopeless" / "best.toml").exists()


def test_a_collapse_is_a_trial_that_failed(plan, tmp_path, monkeypatch):
    real = trial.train

    def train(config, data, out, resume, *arguments, on_record, **options):
        def watch(record):
            on_record(record)
            if record.step == 2 and out.name == "0000":
                raise DivergedError("At step 3: the embeddings have collapsed.")

        return real(config, data, out, resume, *arguments, on_record=watch, **options)

    monkeypatch.setattr(trial, "train", train)
    found = tune(replace(plan, out=tmp_path / "failed", trials=2))
    assert [record.state for record in found.records] == ["complete", "failed"]
    assert "collapsed" in found.records[1].reason
    assert found.best.number == 1


@pytest.fixture
def interrupt_at(monkeypatch):
    """Return ``interrupt_at(step)``: a Ctrl-C comes in each validation of that step."""
    real = Run.validate

    def patch(step):
        def validate(self, number):
            if number == step:
                os.kill(os.getpid(), signal.SIGINT)
            return real(self, number)

        monkeypatch.setattr(Run, "validate", validate)

    return patch


def test_an_interrupt_in_the_last_validation_of_a_trial_ends_the_tune_after_it(plan, tmp_path, interrupt_at):
    interrupt_at(STEPS)
    found = tune(replace(plan, out=tmp_path / "stopped"))
    assert [(record.number, record.state) for record in found.records] == [(0, "complete")]
    assert not found.done


def test_an_interrupt_in_a_validation_that_prunes_ends_the_tune(plan, tmp_path, interrupt_at, monkeypatch):
    study = pytest.importorskip("speakertrip.training.tuning.study")
    monkeypatch.setattr(study.Study, "report", lambda self, claim, step, eer: True)
    interrupt_at(2)
    found = tune(replace(plan, out=tmp_path / "stopped"))
    assert [(record.number, record.state) for record in found.records] == [(0, "pruned")]


def test_an_interrupt_while_audio_is_decoded_does_not_wait_for_all_of_it(plan, tmp_path, monkeypatch):
    decoded = []

    def open_source(kept, memory_gib, progress):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in kept:
            decoded.append(1)
            progress(1)

    monkeypatch.setattr(search, "open_source", open_source)
    with pytest.raises(KeyboardInterrupt):
        tune(replace(plan, out=tmp_path / "stopped"))
    assert len(decoded) == 1


@pytest.fixture
def spoil(monkeypatch):
    """Return ``spoil(call)``: of all embeddings that are asked for, those of that call are not finite."""
    real, calls = Embedder.embed, []

    def patch(call):
        def embed(self, waveforms):
            calls.append(1)
            if len(calls) == call:
                next(self.model.encoder.parameters()).data.fill_(float("nan"))
            return real(self, waveforms)

        monkeypatch.setattr(Embedder, "embed", embed)

    return patch


@pytest.mark.parametrize(
    ("call", "words", "steps"),
    [(2, f"At step {STEPS}: The embeddings of", STEPS - 1), (3, "The embeddings of", STEPS)],
    ids=["in its last validation", "before its judges"],
)
def test_embeddings_that_are_not_finite_are_a_trial_that_failed(plan, tmp_path, spoil, call, words, steps):
    spoil(call)  # a trial has two validations
    found = tune(replace(plan, out=tmp_path / "spoiled", trials=2))
    assert [(record.number, record.state) for record in found.records] == [(1, "complete"), (0, "failed")]
    failed = found.records[1]
    assert failed.reason.startswith(words)
    assert "lower optimizer.lr" in failed.reason
    assert (failed.steps, failed.verdict) == (steps, None)


@pytest.fixture
def die_before_the_end_is_told(monkeypatch):
    """Let a tune be killed when its trial has been judged."""
    study = pytest.importorskip("speakertrip.training.tuning.study")

    def tell(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(study.Study, "tell", tell)


def test_a_checkpoint_that_cannot_be_read_is_no_verdict_on_its_point(
    plan, tmp_path, die_before_the_end_is_told, monkeypatch
):
    torn = replace(plan, out=tmp_path / "torn", trials=1)
    with pytest.raises(KeyboardInterrupt):
        tune(torn)
    monkeypatch.undo()
    for path in trial_folder(torn.out, 0).glob("checkpoint*"):
        path.write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"0000/checkpoint\.safetensors cannot be read"):
        tune(torn)
    assert not (torn.out / "trials.jsonl").exists()


def test_a_trial_that_ended_by_patience_has_the_steps_that_it_did(
    plan, tmp_path, die_before_the_end_is_told, monkeypatch
):
    patient = {"patience": 1, "every": 1}
    recipe = plan.recipe.model_copy(
        update={
            "optimizer": plan.recipe.optimizer.model_copy(update={"steps": 9, "lr": 1e-9}),
            "validation": plan.recipe.validation.model_copy(update=patient),
        }
    )
    waiting = replace(plan, recipe=recipe, out=tmp_path / "patient", trials=1, steps=None)
    with pytest.raises(KeyboardInterrupt):
        tune(waiting)
    monkeypatch.undo()
    (record,) = tune(waiting).records
    done = (trial_folder(waiting.out, 0) / "metrics.jsonl").read_text().splitlines()
    assert (record.state, record.steps) == ("complete", len(done))
    assert record.steps < 9


def test_a_hopeless_trial_that_was_cut_off_trains_no_further(
    plan, tmp_path, die_before_the_end_is_told, monkeypatch
):
    study = pytest.importorskip("speakertrip.training.tuning.study")
    monkeypatch.setattr(study.Study, "is_hopeless", lambda self, claim: True)
    cut = replace(plan, out=tmp_path / "cut", trials=1)
    with pytest.raises(KeyboardInterrupt):
        tune(cut)
    monkeypatch.undo()
    monkeypatch.setattr(study.Study, "is_hopeless", lambda self, claim: True)
    monkeypatch.setattr(trial, "train", None)
    (record,) = tune(cut).records
    assert (record.state, record.steps) == ("pruned", 2)


def test_another_number_of_steps_is_refused(findings, plan):
    with pytest.raises(UsageError, match="another number of steps"):
        tune(replace(plan, steps=STEPS + 1))


def test_batches_that_cannot_be_filled_are_refused_before_anything_is_trained(plan, tmp_path):
    batch = plan.recipe.batch.model_copy(update={"speakers": 6})
    large = replace(plan, out=tmp_path / "x", recipe=plan.recipe.model_copy(update={"batch": batch}))
    with pytest.raises(ConfigError, match="from 2 to 4 here"):
        tune(large)
    assert not (tmp_path / "x" / "trials").exists()


def test_a_folder_of_something_else_is_refused_before_its_manifest_is_replaced(
    plan, corpus, utterances, tmp_path
):
    manifest = tmp_path / "manifest.train.jsonl"
    write_manifest(manifest, utterances)
    before = manifest.read_bytes()
    with pytest.raises(UsageError, match="holds other files and no tune"):
        tune(replace(plan, data=tmp_path, out=tmp_path))
    assert manifest.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [manifest.name]


def test_a_recipe_that_is_no_point_of_the_space_is_told_so_once(plan, tmp_path):
    other = replace(plan, ranges=TuneSpace(utterances=(4,)), out=tmp_path / "out", trials=1)
    with pytest.warns(SpeakertripWarning, match="no trial stands for them"):
        tune(other)
    tune(other)


def test_torchrun_is_refused(plan, tmp_path, monkeypatch):
    for name, value in zip(ENVIRONMENT, ("0", "2", "127.0.0.1", "29400"), strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="start it without torchrun"):
        tune(replace(plan, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(plan, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None if name == "optuna" else object())
    with pytest.raises(UsageError, match=r"needs optuna: install the tune extra, speakertrip\[tune\]"):
        tune(plan)
