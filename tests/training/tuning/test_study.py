import math
import sqlite3
from contextlib import closing

import pytest

from speakertrip.config import TrainConfig, TuneSpace
from speakertrip.errors import StorageError, UsageError
from speakertrip.training.tuning.judging import Verdict
from speakertrip.training.tuning.space import Point, SearchSpace

study_module = pytest.importorskip("speakertrip.training.tuning.study")
database = pytest.importorskip("speakertrip.training.tuning.database")
Study = study_module.Study
SPACE = SearchSpace.of(TrainConfig(), TuneSpace(), available=500)
FIRST = Point(0.4, 0.05, 40, 4, 1e-3)
ORIGIN = {"configuration": {"seed": 1}, "number of steps": 6}


@pytest.fixture
def begin(tmp_path):
    """Return ``begin(folder, ...)``: opens a study, which is closed at the end."""
    opened = []

    def make(name="tune", first=FIRST, origin=ORIGIN, seed=1):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        opened.append(Study(folder, SPACE, first, origin, seed, warmup_steps=2))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def eer_of(point):
    """The lowest at a margin of 0.5."""
    return min(0.5, 0.1 + abs(math.log(point.margin / 0.5)) / 10)


def end(study, claim, state="complete"):
    verdict = Verdict(eer_of(claim.point), (0.0, 1.0)) if state == "complete" else None
    return study.tell(claim, state, verdict, steps=6, seconds=1.0, reason="collapsed" * (state == "failed"))


def run_all(study, wanted):
    points = []
    while claim := study.claim(wanted):
        points.append(claim.point)
        end(study, claim)
    return points


def test_begins_with_the_recipe_and_stays_in_the_space(begin):
    points = run_all(begin(), 7)
    assert len(set(points)) == len(points) == 7
    assert points[0] == FIRST
    for point in points:
        assert 0.05 <= point.margin <= 1.5
        assert 0.01 <= point.hard_share <= 0.5
        assert 2.5e-4 <= point.lr <= 4e-3
        assert point.speakers * point.utterances == 160
        assert float(f"{point.margin:.3g}") == point.margin  # no more digits than could matter


def test_stopped_and_begun_again_it_draws_the_points_of_one_that_was_not(begin):
    whole = run_all(begin("whole"), 7)
    parts = run_all(begin("parts"), 2)
    cut = begin("parts").claim(7)
    cut.lock.release()  # as the end of its process does
    assert [*parts, *run_all(begin("parts"), 7)] == whole
    assert whole[2] == cut.point
    assert run_all(begin("other", seed=2), 2)[1] != whole[1]


def test_what_is_cut_off_is_claimed_again_but_not_while_somebody_holds_it(begin):
    one, other = begin(), begin()
    held = one.claim(2)
    second = other.claim(2)
    assert (held.number, second.number) == (0, 1)
    assert one.claim(2) is None
    held.lock.release()
    again = other.claim(2)
    assert (again.number, again.point) == (0, held.point)
    end(other, again)
    end(other, second)
    assert one.claim(2) is None
    assert [record.state for record in one.records()] == ["complete", "complete"]
    assert one.claim(3).number == 2  # more are wanted now


def test_a_trial_far_behind_the_others_is_hopeless_after_the_warm_up(begin):
    study = begin()
    for _ in range(study_module.STARTUP):
        claim = study.claim(9)
        assert not study.report(claim, 2, 0.2)
        assert not study.report(claim, 4, 0.2)
        end(study, claim)
    claim = study.claim(9)
    assert not study.report(claim, 1, 0.5)
    assert not study.is_hopeless(claim)
    assert study.report(claim, 4, 0.4)
    assert study.report(claim, 4, 0.4)  # again, as after a cut: without a warning
    assert study.is_hopeless(claim)
    assert end(study, claim, "pruned").state == "pruned"
    claim = study.claim(9)
    assert not study.report(claim, 4, 0.1)
    assert not study.is_hopeless(claim)


def test_a_failed_trial_keeps_its_reason_and_counts(begin):
    study = begin()
    record = end(study, study.claim(2), "failed")
    assert (record.state, record.reason, record.verdict, record.steps) == ("failed", "collapsed", None, 6)
    assert record.to_json()["reason"] == "collapsed"
    run_all(study, 2)
    assert [record.state for record in study.records()] == ["failed", "complete"]


def test_a_trial_whose_process_died_before_its_end_was_kept_is_still_running(begin, monkeypatch):
    study = begin()
    claim = study.claim(1)
    monkeypatch.setattr(study.study, "tell", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        end(study, claim, "failed")
    monkeypatch.undo()
    (record,) = study.records()
    assert (record.state, record.steps, record.reason) == ("running", 0, "")
    claim.lock.release()
    assert end(study, study.claim(1)).state == "complete"


def raise_interrupt(*arguments, **options):
    raise KeyboardInterrupt


def test_a_file_that_is_locked_is_named_whatever_is_asked(begin, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    study = begin()
    claim = study.claim(2)
    calls = (
        lambda: study.report(claim, 3, 0.3),
        lambda: study.is_hopeless(claim),
        lambda: end(study, claim),
        study.records,
        lambda: study.claim(2),
    )
    with closing(sqlite3.connect(study.folder / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for call in calls:
            with pytest.raises(StorageError, match=r"study\.db: database is locked\.$"):
                call()


@pytest.mark.parametrize("changed", list(ORIGIN))
def test_another_origin_is_refused_by_name(begin, changed):
    begin()
    with pytest.raises(UsageError, match=f"begun with another {changed}"):
        begin(origin=ORIGIN | {changed: "other"})


def test_any_name_of_a_folder_will_do(begin, tmp_path):
    study = begin("tune ü%3f?#&=1")
    run_all(study, 1)
    assert (study.folder / "study.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [study.folder.name]


def test_a_file_that_is_no_study_is_named(begin, tmp_path):
    (tmp_path / "tune").mkdir()
    (tmp_path / "tune" / "study.db").write_text("no database, but long enough to be taken for one" * 9)
    with pytest.raises(StorageError, match=r"study\.db"):
        begin()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "tune").write_text("not a folder")
    with pytest.raises(StorageError, match=r"Cannot use .*tune"):
        Study(tmp_path / "tune", SPACE, FIRST, ORIGIN, 1, warmup_steps=2)
