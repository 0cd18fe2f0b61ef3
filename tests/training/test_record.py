import json

import pytest

from speakertrip.errors import SpeakertripWarning, StorageError
from speakertrip.losses import TripletHealth
from speakertrip.training.record import MetricsFile, StepRecord


def record(step, **more):
    return StepRecord(step, loss=0.5, lr=1e-3, health=TripletHealth(1.0, 0.9, 1.0, 1.5, 0.2, 0.8), **more)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_appended_and_leave_out_what_is_not_known(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path, keep_until=0)
    metrics.append(record(1))
    metrics.append(record(2, validation_eer=0.0, threshold=0.4, best=True))
    first, second = lines(path)
    assert "validation_eer" not in first
    assert (first["active"], first["spread"]) == (1.0, 0.8)
    assert "health" not in first
    assert second["validation_eer"] == 0.0
    assert second["best"] is True


def test_a_resumed_run_cuts_back_to_its_checkpoint_and_drops_a_torn_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path, keep_until=0)
    for step in (1, 2, 3):
        metrics.append(record(step))
    with path.open("a") as file:
        file.write('{"step": 4, "lo')
    MetricsFile(path, keep_until=2)
    assert [line["step"] for line in lines(path)] == [1, 2]
    MetricsFile(path, keep_until=0)
    assert path.read_text() == ""


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        MetricsFile(tmp_path / "file" / "metrics.jsonl", keep_until=0)


def test_records_that_were_lost_are_said_and_one_that_is_there_twice_stays_once(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path, keep_until=0)
    for step in (1, 2, 2, 3):
        metrics.append(record(step))
    MetricsFile(path, keep_until=3)
    assert [line["step"] for line in lines(path)] == [1, 2, 3]
    with pytest.warns(SpeakertripWarning, match=r"metrics\.jsonl lacks the records of 2 of the 5 steps done"):
        MetricsFile(path, keep_until=5)
    path.unlink()
    with pytest.warns(SpeakertripWarning, match="of 5 of the 5 steps"):
        MetricsFile(path, keep_until=5)
    assert path.read_text() == ""
