import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakertrip.errors import UsageError
from speakertrip.training.lock import held
from speakertrip.training.runs import differences, find_runs, read_run

CONFIG = {"seed": 1, "loss": {"kind": "triplet"}, "optimizer": {"steps": 4}, "validation": {"patience": 0}}


@pytest.fixture
def make(tmp_path):
    """Return ``make(name, rows, config, starts, age)``: a run folder; ``age`` in seconds."""

    def write(name, rows=(), config=CONFIG, starts=None, age=3600.0):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))
        metrics = folder / "metrics.jsonl"
        metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.utime(metrics, (metrics.stat().st_mtime - age,) * 2)
        if starts is not None:
            (folder / "run.json").write_text(json.dumps({"starts": starts}))
        return folder

    return write


def rows(count, **last):
    return [{"step": step, "loss": 1 / step, "active": 0.5} for step in range(1, count)] + [
        {"step": count, "loss": 1 / count, **last}
    ]


def test_a_summary_takes_the_best_validation_and_the_last_known_values(make):
    found = rows(3, validation_eer=0.3, validation_eer_interval=[0.2, 0.4], batch_eer=0.1)
    found += [{"step": 4, "loss": 0.2, "validation_eer": 0.2, "validation_min_dcf": {"0.01": 0.9}}]
    found += [{"step": 5, "loss": 0.1, "validation_eer": 0.25}]
    starts = [{"began": "2026-01-02", "commit": "a"}, {"began": "2026-01-03", "commit": "b", "changed": True}]
    summary = read_run(make("run", found, starts=starts)).to_json()
    assert (summary["validation_eer"], summary["best_step"]) == (0.2, 4)
    assert summary["validation_eer_interval"] is None
    assert summary["validation_min_dcf"] == {"0.01": 0.9}
    assert summary["latest"] == {"loss": 0.1, "active": 0.5, "batch_eer": 0.1}
    assert (summary["began"], summary["commit"], summary["changed"]) == ("2026-01-02", "b", True)
    assert summary["problems"] == []


@pytest.mark.parametrize(
    ("count", "last", "patience", "age", "state"),
    [
        (4, {}, 0, 3600, "finished"),
        (3, {}, 0, 3600, "stopped"),
        (3, {}, 0, 10, "running"),
        (3, {"validation_eer": 0.1, "without_gain": 2}, 2, 10, "finished"),
        (3, {"validation_eer": 0.1, "without_gain": 1}, 2, 3600, "stopped"),
        (3, {"validation_eer": 0.1, "without_gain": 2}, 0, 3600, "stopped"),
        (0, {}, 0, 3600, "empty"),
    ],
)
def test_states(make, count, last, patience, age, state):
    config = CONFIG | {"validation": {"patience": patience}}
    run = read_run(make("run", rows(count, **last) if count else [], config, age=age))
    assert run.state == state
    assert run.step == count


def test_finds_runs_at_any_depth_in_the_order_of_their_beginning(make, tmp_path):
    make("b/late", rows(2), starts=[{"began": "2026-02"}])
    make("ünï code/early", rows(2), starts=[{"began": "2026-01"}])
    make("b/late/bundle/inner", rows(2))  # what a run keeps is no run
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "config.json").write_text("{}")
    assert [run.path.name for run in find_runs(tmp_path)] == ["early", "late"]
    assert [run.path for run in find_runs(tmp_path / "b" / "late")] == [tmp_path / "b" / "late"]


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(UsageError, match="There is no run in"):
        find_runs(tmp_path)
    with pytest.raises(UsageError, match="There is no folder"):
        find_runs(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is no run: it has no metrics\.jsonl"):
        read_run(tmp_path)


def test_a_broken_run_says_what_is_wrong(make):
    folder = make("run", rows(2), starts=[])
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('[]\n{"step": "x"}\n{"step": 1%s}\n{"step": 3, "lo' % ("0" * 400))
    (folder / "run.json").write_text('{"starts": [3]}')
    (folder / "config.json").unlink()
    run = read_run(folder)
    assert run.step == 2
    assert list(run.problems) == [
        "config.json: No such file or directory",
        "run.json has no list of starts",
        "metrics.jsonl has 4 lines that cannot be read",
    ]
    (folder / "metrics.jsonl").unlink()
    (folder / "config.json").write_text("x" * (2 << 20))
    (folder / "run.json").write_text("[" * 100_000)
    problems = read_run(folder).problems
    assert [problem.split(":")[0] for problem in problems] == [
        "config.json is damaged",
        "run.json is damaged",
        "metrics.jsonl",
    ]


def test_differences_are_by_dotted_key(make):
    one = make("one", config={"seed": 1, "loss": {"kind": "a", "margin": {"value": 0.2}}, "same": [1]})
    two = make("two", config={"seed": 2, "loss": {"kind": "a", "margin": {}}, "same": [1]})
    assert differences([read_run(one), read_run(two)]) == {
        "loss.margin": [None, {}],
        "loss.margin.value": [0.2, None],
        "seed": [1, 2],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
NAMES = ("step", "validation_eer", "validation_eer_interval", "validation_min_dcf", "without_gain", "loss")
ROW = st.dictionaries(st.sampled_from(NAMES), JSON)
SECTIONS = st.dictionaries(
    st.sampled_from(("optimizer", "validation", "loss", "steps", "patience", "kind")),
    JSON | st.dictionaries(st.sampled_from(("steps", "patience", "kind")), JSON),
)


@settings(max_examples=30)
@given(st.lists(ROW | JSON), SECTIONS, JSON)
def test_whatever_the_files_hold_there_is_a_summary_in_standard_json(scratch, found, config, starts):
    (scratch / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    (scratch / "config.json").write_text(json.dumps(config))
    (scratch / "run.json").write_text(json.dumps({"starts": starts}))
    for run in (read_run(scratch), *find_runs(scratch)):
        json.dumps(run.to_json()["latest"], allow_nan=False)
        for name in ("validation_eer", "validation_eer_interval", "validation_min_dcf", "step", "best_step"):
            json.dumps(run.to_json()[name], allow_nan=False)
        assert run.state in ("finished", "running", "stopped", "empty")
        differences([run, run])


def test_reading_runs_loads_no_torch():
    script = "import sys, speakertrip.training.runs, speakertrip.cli.runs; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_lock_tells_whether_a_run_goes_on(make):
    run = make("run", rows(2), age=10)
    with held(run):
        assert read_run(run).state == "running"
    assert read_run(run).state == "stopped"  # however new its last record is
    (run / "run.lock").unlink()
    assert read_run(run).state == "running"


@pytest.mark.parametrize(("kept", "said"), [(0, "lacks 4 steps"), (3, "lacks 1 step"), (4, None)])
def test_steps_whose_records_were_lost_are_known_from_the_last_start(make, kept, said):
    starts = [{"step": 0}, {"step": 4}]
    run = read_run(make("run", rows(kept) if kept else [], starts=starts))
    assert (run.step, run.state) == (4, "finished")
    assert list(run.problems) == ([f"metrics.jsonl {said}"] if said else [])
