import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from speakertrip.cli import run
from speakertrip.corpora import build_manifest
from speakertrip.manifests import read_manifest, write_manifest

NAMES = [f"{speaker}/{session}/{number}.wav" for speaker in "ab" for session in "xy" for number in "12"]


@pytest.fixture
def corpus(tmp_path, write_speech):
    for seed, name in enumerate(NAMES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_speech(tmp_path / name, seed, 1.5)
    write_manifest(tmp_path / "m.jsonl", build_manifest(tmp_path))
    return tmp_path


def test_a_sound_corpus(corpus, capsys):
    path = corpus / "m.jsonl"
    assert run(["manifest", "check", str(path)]) == 0
    assert capsys.readouterr() == (f"{path}: 8 utterances of 2 speakers, 0 errors, 0 notes\n", "")
    assert run(["manifest", "check", "--quick", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "utterances": 8,
        "speakers": 2,
        "errors": 0,
        "notes": 0,
        "counts": {},
        "findings": [],
    }


def test_errors_end_with_6_and_all_files_are_looked_at(corpus, capsys):
    for name in NAMES[:5]:
        (corpus / name).unlink()
    (corpus / NAMES[7]).write_bytes((corpus / NAMES[7]).read_bytes()[:9000])
    path = corpus / "m.jsonl"
    assert run(["manifest", "check", str(path)]) == 6
    out, err = capsys.readouterr()
    assert err == f"{path}: 6 errors; mend or leave out these utterances.\n"
    assert out.splitlines() == [
        "error  missing               5",
        "    line 1: a/x/1.wav: there is no such file.",
        "    line 2: a/x/2.wav: there is no such file.",
        "    line 3: a/y/1.wav: there is no such file.",
        "    ...",
        "error  truncated             1",
        "    line 8: b/y/2.wav ends before its header says.",
        f"{path}: 8 utterances of 2 speakers, 6 errors, 0 notes",
    ]
    assert run(["manifest", "check", str(path), "--json"]) == 6
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert len(out.splitlines()) == len(err.splitlines()) == 1
    assert found["counts"] == {"missing": 5, "truncated": 1}
    assert [each["line"] for each in found["findings"]] == [1, 2, 3, 4, 5, 8]


def test_notes_end_with_0(corpus, capsys):
    rows = read_manifest(corpus / "m.jsonl")
    write_manifest(corpus / "m.jsonl", [rows[0], *rows[4:6]])
    assert run(["manifest", "check", str(corpus / "m.jsonl")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[:2] == [
        "note   one-utterance         1",
        "    line 1: a has one utterance, a/x/1.wav.",
    ]


@pytest.mark.parametrize("content", ["", "{}", '{"id": "a", "path": "a.wav", "speaker": "s"}\n' * 2])
def test_no_manifest(tmp_path, capsys, content):
    (tmp_path / "m.jsonl").write_text(content)
    assert run(["manifest", "check", str(tmp_path / "m.jsonl")]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_folder_becomes_checked_parts(corpus):
    """The way of a user, through the real command line."""

    def manifest(*arguments):
        command = [sys.executable, "-m", "speakertrip", "manifest", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    shutil.copy(corpus / "a/x/1.wav", corpus / "b/y/1.wav")
    assert manifest("build", corpus, "--out", corpus / "all.jsonl")[0] == 0
    code, out = manifest("check", corpus / "all.jsonl", "--json")
    findings = json.loads(out)["findings"]
    assert (code, [(each["kind"], each["id"]) for each in findings]) == (6, [("two-speakers", "b/y/1.wav")])
    rows = [row for row in read_manifest(corpus / "all.jsonl") if row.id != findings[0]["id"]]
    write_manifest(corpus / "mended.jsonl", rows)
    shares = ["--share", "train=0.5", "--share", "test=0.5"]
    assert manifest("split", corpus / "mended.jsonl", *shares, "--out", corpus / "parts")[0] == 0
    code, out = manifest("stats", corpus / "parts/manifest.train.jsonl", "--json")
    assert (code, json.loads(out)["speakers"]) == (0, 1)
    parts = [read_manifest(corpus / f"parts/manifest.{part}.jsonl") for part in ("train", "test")]
    assert sorted(map(len, parts)) == [3, 4]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("files", [8, 8 * 300])
def test_ctrl_c_ends_at_once(corpus, files):
    rows = []
    for number in range(16_000):  # minutes of work, in files of many stretches, or in many files
        path = "a/../" * (number % files // 8) + NAMES[number % 8]
        rows.append(json.dumps({"id": f"{number}", "path": path, "speaker": "s", "start": number * 1e-5}))
    with subprocess.Popen(
        [sys.executable, "-m", "speakertrip", "manifest", "check", "-"],
        cwd=corpus,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background of a script is born deaf to interrupts, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        process.stdin.write("\n".join(rows))  # more than a pipe holds: it is being read when this is done
        process.stdin.close()
        process.stdin = None
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "Interrupted.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_in_json(tmp_path, write_tree, capsys):
    write_tree(tmp_path, ["a.wav"])
    name = os.fsdecode(b"caf\xe9.wav")
    (tmp_path / name).write_text("no audio")
    rows = [{"id": "a", "path": "a.wav", "speaker": "s"}, {"id": "b", "path": name, "speaker": "s"}]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(["manifest", "check", "--json", str(tmp_path / "m.jsonl")]) == 6
    out = capsys.readouterr().out
    assert out.isascii()
    finding = json.loads(out)["findings"][0]
    assert os.fsencode(finding["path"]) == b"caf\xe9.wav"
    assert finding["message"].startswith(f"{name} is not audio")
