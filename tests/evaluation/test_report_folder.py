import json
import sys

import numpy as np
import pytest

from speakertrip.errors import StorageError
from speakertrip.evaluation import report, report_conditions, sides_of, write_report
from speakertrip.manifests import Trials, Utterance


@pytest.fixture
def system():
    first, second = np.triu_indices(60, k=1)
    utterances = [
        Utterance(f"{speaker}/{number}", "x.wav", f"spk{speaker}", sex="fm"[speaker % 2])
        for speaker in range(15)
        for number in range(4)
    ]
    names = [utterance.id for utterance in utterances]
    trials = Trials.of([names[i] for i in first], [names[i] for i in second], first // 4 == second // 4)
    scores = np.random.default_rng(0).normal(size=len(trials)) + 3 * trials.targets
    conditions = report_conditions(trials, scores, sides_of(utterances))
    return trials, scores, report(trials, scores), conditions


def test_the_folder(system, tmp_path):
    trials, scores, found, conditions = system
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "other.txt").write_text("kept")
    assert write_report(tmp_path / "r", "my system", trials, scores, found, conditions)
    assert {file.name for file in (tmp_path / "r").iterdir()} == {
        "report.json", "report.md", "det.png", "scores.png", "calibration.png", "other.txt",
    }  # fmt: skip
    entries = json.loads((tmp_path / "r" / "report.json").read_text())
    assert entries.items() >= found.to_json().items()
    assert [row["value"] for row in entries["conditions"]] == ["f", "m", "mixed"]
    page = (tmp_path / "r" / "report.md").read_text()
    assert page.startswith("# my system\n")
    assert f"| EER | {100 * found.eer:.2f} %" in page
    assert "| sex: mixed | 896 | 0 | - | - |" in page
    assert "(ids that target trials join count as one)" in page
    assert "![DET curve](det.png)" in page


def test_without_matplotlib_there_are_no_pictures(system, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "speakertrip.metrics.plot", raising=False)
    monkeypatch.delattr("speakertrip.metrics.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    trials, scores, found, _ = system
    assert not write_report(tmp_path, "my system", trials, scores, found)
    assert {file.name for file in tmp_path.iterdir()} == {"report.json", "report.md"}
    assert ".png" not in (tmp_path / "report.md").read_text()


def test_a_folder_that_cannot_be_made(system, tmp_path):
    trials, scores, found, _ = system
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot make the folder"):
        write_report(tmp_path / "file", "my system", trials, scores, found)
