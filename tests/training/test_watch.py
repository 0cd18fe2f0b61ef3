import resource
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from speakertrip.config import TrainConfig
from speakertrip.errors import SpeakertripWarning, StorageError, UsageError
from speakertrip.training import train
from speakertrip.training.events import EventFile, scalars
from speakertrip.training.record import StepRecord
from speakertrip.training.watch import principal_plane

PNG = b"\x89PNG\r\n\x1a\n"


@given(st.integers(3, 40), st.integers(2, 12), st.integers(0, 10_000))
def test_the_plane_is_that_of_scikit_learn(count, dim, seed):
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = PCA(2, svd_solver="full").fit_transform(units)
    found = principal_plane(rows)
    assert found.shape == (count, 2)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    assert (found.max(axis=0) >= -found.min(axis=0)).all()


def test_a_plane_of_few_or_equal_rows():
    assert principal_plane(np.ones((1, 4))).tolist() == [[0, 0]]
    np.testing.assert_allclose(principal_plane(np.ones((5, 4))), 0, atol=1e-12)
    np.testing.assert_allclose(principal_plane(np.zeros((2, 1))), 0)


def watched(config, **changes):
    return TrainConfig.model_validate(config.model_dump() | {"watch": changes})


def test_pictures_of_each_validation(config, corpus, tmp_path):
    train(watched(config, pictures=True), corpus, tmp_path / "run")
    pictures = tmp_path / "run" / "pictures"
    names = [f"{kind}-{step:07}.png" for kind in ("det", "embeddings") for step in (3, 6)]
    assert sorted(path.name for path in pictures.iterdir()) == names
    assert all((pictures / name).read_bytes().startswith(PNG) for name in names)
    assert (pictures / names[0]).read_bytes() != (pictures / names[1]).read_bytes()


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("matplotlib", "pictures", r"needs matplotlib: install the plot extra, speakertrip\[plot\]"),
        ("tensorboard", "tensorboard", r"needs tensorboard: install the extra, speakertrip\[tensorboard\]"),
    ],
)
def test_a_missing_extra_is_said_before_the_run_begins(
    module, name, words, config, corpus, tmp_path, monkeypatch
):
    for each in [each for each in sys.modules if each.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, each)
    for each in ("speakertrip.metrics.plot", "torch.utils.tensorboard"):
        monkeypatch.delitem(sys.modules, each, raising=False)

    class Absent:
        def find_spec(self, fullname, path=None, target=None):
            if fullname.split(".")[0] == module:
                raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    monkeypatch.delattr("speakertrip.metrics.plot", raising=False)
    with pytest.raises(UsageError, match=words):
        train(watched(config, **{name: True}), corpus, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "words"), [("pictures", "pictures"), ("tensorboard", "TensorBoard")])
def test_what_cannot_be_written_costs_a_warning_and_nothing_else(name, words, config, corpus, tmp_path):
    pytest.importorskip(name if name == "tensorboard" else "matplotlib")
    run = tmp_path / "run"
    run.mkdir()
    (run / name).touch()  # a file where a folder is to be
    with pytest.warns(SpeakertripWarning) as warned:
        assert train(watched(config, **{name: True}), corpus, run)
    assert len(warned) == 1
    assert str(warned[0].message).startswith(f"Cannot write {run / name}")
    assert str(warned[0].message).endswith(f". The run goes on without {words}.")
    assert (run / "metrics.jsonl").read_text().count("\n") == 6
    assert (run / "checkpoint.safetensors").exists()
    assert (run / "bundle").exists()


def fill(events):
    for step in range(2, 9):
        events.add(StepRecord(step, loss=1.0, lr=0.1, validation_eer=0.5))


def test_a_disk_that_fills_up_ends_what_tensorboard_reads_in_one_sentence(tmp_path, capsys):
    pytest.importorskip("tensorboard")
    events = EventFile(tmp_path, 0)
    events.add(StepRecord(1, loss=1.0, lr=0.1, validation_eer=0.5))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StorageError, match=r"Cannot write .*tensorboard: File too large"):
            fill(events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    events.close()
    assert capsys.readouterr() == ("", "")  # no traceback of its thread


def read_events(folder):
    """Return ``{name: {step: value}}`` as TensorBoard shows it."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {
        name: {event.step: event.value for event in events.Scalars(name)} for name in events.Tags()["scalars"]
    }


def test_tensorboard_shows_the_records_and_none_from_before_a_resume(tmp_path):
    pytest.importorskip("tensorboard")
    events = EventFile(tmp_path, 0)
    for step in (1, 2, 3):
        events.add(StepRecord(step, loss=1.0 / step, lr=0.1, validation_eer=0.5 if step == 3 else None))
    events.close()
    events = EventFile(tmp_path, 2)
    events.add(StepRecord(3, loss=9.0, lr=0.1, validation_eer=0.25, validation_min_dcf={"0.01": 0.75}))
    events.close()
    found = read_events(tmp_path / "tensorboard")
    assert found["loss"] == {1: 1.0, 2: 0.5, 3: 9.0}
    assert found["validation_eer"] == {3: 0.25}
    assert found["validation_min_dcf/0.01"] == {3: 0.75}


def test_a_run_writes_them_where_it_is_asked_to(config, corpus, tmp_path):
    pytest.importorskip("tensorboard")
    seen = []
    train(watched(config, tensorboard=True), corpus, tmp_path / "run", on_record=seen.append)
    found = read_events(tmp_path / "run" / "tensorboard")
    assert sorted(found["active"]) == [1, 2, 3, 4, 5, 6]
    last = seen[-1]
    assert found["validation_eer"][6] == pytest.approx(last.validation_eer)
    assert found["validation_eer_interval/1"][6] == pytest.approx(last.validation_eer_interval[1])


def test_only_finite_numbers_are_scalars():
    record = StepRecord(1, loss=float("nan"), lr=0.5, notice="words", best=True)
    assert scalars(record) == {"lr": 0.5}
