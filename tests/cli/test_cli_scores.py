"""The verbs that work on score files: ``score``, ``evaluate --scores``, ``compare``."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from speakertrip.cli import run
from speakertrip.manifests import Trials, Utterance, write_manifest, write_scores, write_trials


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Twelve speakers with three utterances each, all pairs, two systems."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    first, second = np.triu_indices(36, k=1)
    ids = [f"s{speaker}/{number}.wav" for speaker in range(12) for number in range(3)]
    trials = Trials.of([ids[i] for i in first], [ids[i] for i in second], first // 3 == second // 3)
    rng = np.random.default_rng(0)
    scores = rng.normal(size=len(trials)) + 3 * trials.targets
    write_trials("trials.txt", trials)
    write_scores("good.txt", trials, scores)
    write_scores("bad.txt", trials, scores + 3 * rng.normal(size=len(trials)))
    write_manifest("manifest.jsonl", [Utterance(id_, Path(id_), id_.split("/")[0]) for id_ in ids])
    return tmp_path


@pytest.fixture
def call(capsys):
    def call(*arguments):
        code = run(arguments)
        return code, *capsys.readouterr()

    return call


EVALUATE = ("evaluate", "--scores", "good.txt", "--trials", "trials.txt")


def test_scores_of_any_system_are_evaluated(call):
    code, out, err = call(*EVALUATE, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    entries = json.loads(out)
    assert entries.keys() >= {
        "trials", "targets", "eer", "eer_interval", "eer_convex_hull", "min_dcf", "cllr", "min_cllr",
    }  # fmt: skip
    assert (entries["trials"], entries["targets"], entries["speakers"]) == (630, 36, 12)
    assert entries["speakers_from"] == "target trials"
    assert set(entries["min_dcf"]) == {"0.01", "0.05"}
    with_manifest = json.loads(call(*EVALUATE, "--manifest", "manifest.jsonl", "--json")[1])
    assert with_manifest.pop("speakers_from") == "manifest"
    del entries["speakers_from"]
    assert with_manifest == entries


def test_the_order_of_columns_and_lines_does_not_matter(call):
    expected = call(*EVALUATE, "--json")[1]
    lines = [line.split() for line in Path("good.txt").read_text().splitlines()]
    Path("good.txt").write_text("".join(f"{s} {e} {t}\n" for e, t, s in reversed(lines)))
    assert call(*EVALUATE, "--json")[1] == expected


def test_costs_at_more_priors(call):
    entries = json.loads(call(*EVALUATE, "--json", "--p-target", "0.001", "--p-target", "0.05")[1])
    assert list(entries["min_dcf"]) == list(entries["act_dcf"]) == ["0.001", "0.01", "0.05"]
    assert "act_dcf(0.001)" in entries["intervals"]
    for wrong in ("0", "1", "nan"):
        assert call(*EVALUATE, "--p-target", wrong)[0] == 2


def test_a_model_in_the_environment_does_not_contradict_score_files(call, monkeypatch):
    monkeypatch.setenv("SPEAKERTRIP_MODEL", "absent")
    assert call(*EVALUATE)[0] == 0


def test_the_report_folder(call):
    code, out, err = call(*EVALUATE, "--manifest", "manifest.jsonl", "--report", "report")
    assert (code, err) == (0, "")
    assert "minCllr" in out
    assert json.loads(Path("report/report.json").read_text())["trials"] == 630
    assert Path("report/det.png").stat().st_size > 1_000


def test_comparison(call):
    arguments = ("compare", "good.txt", "bad.txt", "--trials", "trials.txt")
    code, out, err = call(*arguments, "--json", "--plot", "both.png")
    assert (code, err) == (0, "")
    assert json.loads(out)["target_speakers"] == 12
    found = json.loads(out)["rates"]
    assert found["eer"]["difference"] < 0
    assert found["eer"]["real"]
    assert Path("both.png").stat().st_size > 1_000
    code, out, _ = call(*arguments)
    assert [line[:14].strip() for line in out.splitlines()] == [
        "EER", "minDCF(0.01)", "actDCF(0.01)", "minDCF(0.05)", "actDCF(0.05)", "Cllr", "minCllr",
    ]  # fmt: skip
    assert out.splitlines()[0].endswith("real")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--trials", "trials.txt"), "a model needs the audio"),
        ((*EVALUATE[1:], "--model", "bundle"), "--model and --scores exclude each other"),
        ((*EVALUATE[1:], "--write-scores", "x.txt"), "--write-scores writes the scores of a model"),
        ((*EVALUATE[1:], "--enrollments", "map.txt"), "give --manifest too"),
        (("--model", "absent", "--trials", "trials.txt"), "a model needs the audio"),
    ],
)
def test_contradictory_options(call, arguments, message):
    code, out, err = call("evaluate", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_broken_score_file(call):
    text = Path("good.txt").read_text().splitlines()
    Path("good.txt").write_text("\n".join(text[:-1]))
    code, out, err = call(*EVALUATE)
    assert (code, out) == (6, "")
    assert "good.txt" in err


@pytest.mark.parametrize("target", ["good.txt", "bad.txt", "trials.txt", "manifest.jsonl"])
def test_a_picture_never_replaces_an_input(call, target):
    before = Path(target).read_bytes()
    lists = ("--trials", "trials.txt", "--manifest", "manifest.jsonl")
    code, _, err = call("compare", "good.txt", "bad.txt", *lists, "--plot", target)
    assert (code, "would overwrite" in err) == (2, True)
    assert Path(target).read_bytes() == before


def test_a_report_never_replaces_an_input(call):
    Path("r").mkdir()
    Path("r/report.md").write_bytes(Path("good.txt").read_bytes())
    code, _, err = call("evaluate", "--scores", "r/report.md", "--trials", "trials.txt", "--report", "r")
    assert (code, "would overwrite" in err) == (2, True)
    assert Path("r/report.md").read_bytes() == Path("good.txt").read_bytes()


def test_few_speakers_are_warned_of_wherever_intervals_stand(call):
    lines = Path("trials.txt").read_text().splitlines()
    few = [line for line in lines if all(f" s{speaker}/" not in line for speaker in range(3, 12))]
    Path("few.txt").write_text("\n".join(few))
    pairs = {tuple(line.split()[1:]) for line in few}
    for name in ("good", "bad"):
        rows = Path(f"{name}.txt").read_text().splitlines()
        Path(f"few.{name}").write_text("\n".join(row for row in rows if tuple(row.split()[:2]) in pairs))
    code, out, err = call("compare", "few.good", "few.bad", "--trials", "few.txt", "--json")
    assert (code, json.loads(out)["target_speakers"]) == (0, 3)
    assert "rests on 9 target trials of 3 speakers" in err
    code, _, err = call("evaluate", "--scores", "few.good", "--trials", "few.txt", "--report", "r")
    assert (code, "rests on 9 target trials of 3 speakers" in err) == (0, True)
    assert "**The intervals say little:**" in Path("r/report.md").read_text()


def test_score_files_need_no_torch():
    program = (
        "import sys; from speakertrip.cli import run; "
        f"code = run({list(EVALUATE)!r}); assert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("trials")


def test_score_writes_what_evaluate_reads(call, place, write_speech, bundle_folder):
    ids = [f"s{speaker}/{number}.wav" for speaker in range(2) for number in range(2)]
    for seed, id_ in enumerate(ids):
        (place / id_).parent.mkdir(exist_ok=True)
        write_speech(place / id_, seed, 0.5)
    Path("few.txt").write_text(f"1 {ids[0]} {ids[1]}\n0 {ids[0]} {ids[2]}\n")
    lists = ("--trials", "few.txt", "--manifest", "manifest.jsonl")
    model = ("--model", str(bundle_folder))
    assert call("score", *model, *lists, "--out", "few.scores")[:2] == (0, "few.scores: 2 scores\n")
    by_file = call("evaluate", "--scores", "few.scores", *lists, "--json")[1]
    assert json.loads(by_file)["eer"] == json.loads(call("evaluate", *model, *lists, "--json")[1])["eer"]
    code, _, err = call("score", *model, *lists, "--out", "few.txt")
    assert (code, "would overwrite" in err) == (2, True)
