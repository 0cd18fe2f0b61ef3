"""The README's commands run, in order, as a reader would type them; long ones with shortened settings."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.config import read_config
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHARED = ROOT.parent / "shared"
RUN_ELSEWHERE = ("make ", "rm ", "git ", "cd ", "pip ", "python recipes/voxceleb/", ".venv/bin/pip")
SHORTER = {
    "manifest synthetic": "--train-speakers 14 --test-speakers 3",
    "train recipes/synthetic": "--set optimizer.steps=20 --set optimizer.warmup_steps=2 --set validation.every=20 "
    "--set validation.speakers=4",
    "train recipes/openspeech": "--set optimizer.steps=1 --set optimizer.warmup_steps=0 --set validation.speakers=4 "
    "--set data.memory_gib=0",
}


def commands():
    """Every line after ``$`` in the console blocks, with its continuation lines joined."""
    blocks = re.findall(r"^```console\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    text = "".join(blocks).replace("\\\n", " ")
    return [line[2:].strip() for line in text.splitlines() if line.startswith("$ ")]


def test_every_verb_is_shown():
    shown = {shlex.split(command)[1] for command in commands() if command.startswith("speakertrip ")}
    assert shown >= {"manifest", "train", "evaluate", "enroll", "verify"}


def test_every_output_is_filled_in():
    assert re.findall(r"@[A-Z]+@", README) == []


def test_the_demo_runs_the_commands_of_the_readme(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("demo", ROOT / "recipes" / "synthetic" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    ran = []
    monkeypatch.setattr(demo, "speakertrip", lambda arguments, expect=0: ran.append((arguments, expect)))
    monkeypatch.setattr(demo.shutil, "rmtree", lambda folder, ignore_errors: None)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", "restored after the test")
    monkeypatch.setenv("SPEAKERTRIP_STORE", "restored after the test")
    monkeypatch.chdir(tmp_path)
    demo.main()
    assert [expect for _, expect in ran] == [0, 0, 0, 0, 0, 1]
    shown = [" ".join(command.split()) for command in commands()]
    assert [arguments for arguments, _ in ran if f"speakertrip {arguments}" not in shown] == []


def test_the_make_targets_exist():
    targets = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    assert {command.split()[1] for command in commands() if command.startswith("make ")} <= targets


def test_the_configurations_load(tmp_path):
    blocks = re.findall(r"^```toml\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "config.toml").write_text(block)
        read_config(tmp_path / "config.toml")


def test_linked_files_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_commands_run_in_order(tmp_path):
    (tmp_path / "main").mkdir()
    here = tmp_path / "main"
    (here / "recipes").symlink_to(ROOT / "recipes")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SPEAKERTRIP")},
        "OMP_NUM_THREADS": "1",
    }
    rng = np.random.default_rng(0)
    for name in ("a.wav", "b.wav"):
        soundfile.write(here / name, synthesize(draw_voice(rng), draw_channel(rng), 2.0, rng), 16_000)
    ran = 0
    for command in commands():
        if command.startswith("export "):
            environment |= dict(setting.split("=", 1) for setting in shlex.split(command)[1:])
        if command.startswith((*RUN_ELSEWHERE, "export ")):
            continue
        assert command.startswith("speakertrip "), command
        if "../shared" in command:
            continue  # below, where the data is there
        more = next((extra for part, extra in SHORTER.items() if part in command), "")
        arguments = shlex.split(f"{command.removeprefix('speakertrip ')} {more}")
        done = subprocess.run(
            [sys.executable, "-m", "speakertrip", *arguments],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # A model of a few steps may accept and reject whom it likes; it must answer.
        allowed = {0, 1} if arguments[0] in ("verify", "identify") else {0}
        assert done.returncode in allowed, f"{command}\n{done.stderr}"
        assert done.stdout, command
        ran += 1
    assert ran >= 6
    voices = here / "data/synthetic/wav/test"
    shutil.copy(voices / "test-000/session-0/utterance-0.wav", here / "reference.wav")
    shutil.copy(voices / "test-000/session-1/utterance-0.wav", here / "probe.wav")
    for block in re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=here, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"


@pytest.mark.skipif(not (SHARED / "openspeech").exists(), reason="needs ../shared/openspeech")
def test_commands_on_real_speech_run(tmp_path):
    (tmp_path / "main").mkdir()
    here = tmp_path / "main"
    (here / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "shared").symlink_to(SHARED)
    on_real_speech = [command for command in commands() if "../shared" in command]
    assert on_real_speech
    for command in on_real_speech:
        more = next((extra for part, extra in SHORTER.items() if part in command), "")
        done = subprocess.run(
            [sys.executable, "-m", "speakertrip", *shlex.split(command)[1:], *shlex.split(more)],
            cwd=here,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
