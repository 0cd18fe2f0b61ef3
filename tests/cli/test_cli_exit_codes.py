"""Exit codes, where the whole process matters: a crash, a closed output or an interrupt never reads as "rejected"."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from speakertrip import verifier
from speakertrip.cli import main, run
from speakertrip.errors import SpeakertripError, ToldElsewhereError

COMMAND = [sys.executable, "-m", "speakertrip"]
CONFIG = '[encoder]\nkind = "ecapa"\nchannels = 64\n'
posix = pytest.mark.skipif(os.name != "posix", reason="descriptors and signals are POSIX's")


def start(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([*COMMAND, *arguments], text=True, check=False, timeout=60, **options)


def every_class(base: type[SpeakertripError]) -> list[type[SpeakertripError]]:
    return [base, *(deeper for below in base.__subclasses__() for deeper in every_class(below))]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--help"], 0, ""),
        (["-h"], 0, ""),
        (["--version"], 0, ""),
        ([], 2, "Usage: speakertrip"),
        (["manifest"], 2, "Usage: speakertrip manifest"),
        (["bogus"], 2, "No such command 'bogus'."),
        (["--bogus"], 2, "No such option"),
        (["manifest", "bogus"], 2, "No such command 'bogus'."),
        (["manifest", "build"], 2, "Missing argument 'FOLDER'."),
        (["enroll", "spk1", "--model", "x"], 2, "Missing argument"),
        (["enroll", "spk1", "a.wav", "--model", "x", "--add", "--replace"], 2, "exclude each other"),
        (["verify", "--model", "x"], 2, "Missing argument"),
        (["verify", "spk1", "--model", "x"], 2, "Nothing to verify"),
        (["verify", "a", "b", "--model", "x", "--device", "tpu"], 2, "'tpu' is not one of"),
        (["verify", "a", "b", "--model", "x", "--threads", "0"], 2, "0 is not in the range"),
        (["evaluate", "--model", "x", "--trials", "t"], 2, "Missing option '--manifest'"),
        (["train"], 2, "Missing argument 'CONFIG.toml'"),
        (["train", "a.toml", "--data", "x"], 2, "Missing option '--out'"),
        (["manifest", "synthetic", "x", "--seed", "one"], 2, "'one' is not a valid integer"),
        (["manifest", "synthetic", "x", "--seed", "-1"], 2, "needs seed of 0 or more"),
    ],
)
def test_usage(capsys, monkeypatch, tmp_path, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEAKERTRIP_MODEL", raising=False)
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert bool(out) == (code == 0)
    assert message in err
    assert bool(err) == (code != 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error", [each for each in every_class(SpeakertripError) if each is not ToldElsewhereError]
)
def test_every_error_is_one_sentence_and_its_code(capsys, monkeypatch, error):
    monkeypatch.setattr(main.speakertrip, "main", raiser(error("a.wav is silent.")))
    assert run([]) == error.exit_code
    assert error.exit_code in (2, 3, 4, 5, 6, 7, 70)
    assert capsys.readouterr() == ("", "a.wav is silent.\n")


def test_what_another_process_says_is_not_said_again(capsys, monkeypatch):
    monkeypatch.setattr(main.speakertrip, "main", raiser(ToldElsewhereError(3)))
    assert run([]) == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        (None, [], "Cannot read the configuration"),
        ("[encoder\n", [], "is not TOML"),
        (b"\xff\xfe", [], "is not TOML"),
        ("[encoder]\nwidth = 64\n", [], "a.toml: encoder: "),
        (CONFIG + "width = 64\n", [], "encoder.width: no such option"),
        ("[optimiser]\nlr = 1.0\n", [], "optimiser: no such option"),
        (CONFIG, ["optimizer.lr"], "'optimizer.lr' is not of the form"),
        (CONFIG, ["optimizer.lr=fast"], "optimizer.lr: "),
        (CONFIG, ["optimizer.rate=1"], "optimizer.rate: no such option"),
        (CONFIG, ["encoder.kind.x=1"], "not a section"),
    ],
)
def test_bad_configurations(capsys, monkeypatch, tmp_path, content, overrides, message):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("a.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    options = [part for override in overrides for part in ("--set", override)]
    assert run(["train", "a.toml", "--data", ".", "--out", "run", *options]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


class Panic(BaseException):
    """As compiled libraries raise: no Exception."""


def raiser(error: BaseException):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RuntimeError("boom"), 70, "Internal error: RuntimeError('boom')"),
        (AssertionError(), 70, "Internal error"),
        (RecursionError(), 70, "Internal error"),
        (KeyError("x"), 70, "Internal error"),
        (Panic("boom"), 70, "Internal error: Panic('boom')"),
        (MemoryError(), 70, "Out of memory; in training set compute.micro_batch"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
            70,
            "The GPU is out of memory",
        ),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), 70, "The GPU is out of memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), 70, "The GPU is out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 70, "Out of memory"),
        (OSError(28, "No space left on device"), 7, "No space left on device"),
        (PermissionError(13, "Permission denied", "/x"), 7, "/x"),
        (BrokenPipeError(32, "Broken pipe"), 7, "closed before all of it was written"),
        (SystemExit(1), 7, "closed before"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
@pytest.mark.parametrize("place", ["verb", "click"])
def test_a_crash_is_not_a_rejection(capsys, monkeypatch, tmp_path, place, error, code, message):
    if place == "verb":
        monkeypatch.setattr(verifier.SpeakerVerifier, "from_pretrained", raiser(error))
    else:
        monkeypatch.setattr(main.speakertrip, "main", raiser(error))
    arguments = ["verify", "--against", __file__, __file__, "--model", str(tmp_path)]
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(("error", "code"), [(RuntimeError("boom"), 70), (SpeakertripError("boom"), 70)])
def test_debug_shows_the_traceback(capsys, monkeypatch, tmp_path, error, code):
    monkeypatch.setattr(verifier.SpeakerVerifier, "from_pretrained", raiser(error))
    assert run(["verify", "--against", __file__, __file__, "--debug", "--model", str(tmp_path)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Traceback")


@pytest.mark.parametrize(
    "broken", ["raise ImportError('broken')", "raise SystemExit(1)", "this is no Python"]
)
def test_a_failed_import(tmp_path, broken):
    (tmp_path / "click.py").write_text(broken)
    done = start("verify", "spk1", "a.wav", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.startswith("speakertrip: cannot start: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_console_script():
    script = Path(sys.executable).with_name("speakertrip")
    if not script.exists():
        pytest.skip("the package is not installed beside this interpreter")
    done = subprocess.run([script, "verify"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert subprocess.run([script, "--version"], capture_output=True, check=True).stdout == b"0.1.0\n"


def test_shell_completion():
    done = start(env=os.environ | {"_SPEAKERTRIP_COMPLETE": "bash_source"})
    assert done.returncode == 0
    assert "complete" in done.stdout
    assert done.stderr == ""


@posix
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["verify", "--help"], ["manifest", "build"]]
)
@pytest.mark.parametrize("kind", ["closed pipe", "full", "closed"])
def test_an_output_that_takes_nothing(tmp_path, write_tree, kind, arguments):
    if "build" in arguments:
        write_tree(tmp_path, ["spk1/a.wav"])
        arguments = [*arguments, str(tmp_path)]
    with Output(kind) as options:
        done = start(*arguments, **options)
    assert done.returncode == 7
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize("kind", ["closed pipe", "full", "closed"])
def test_a_message_that_cannot_be_written(tmp_path, kind):
    with Output(kind, "stderr") as options:
        assert start("bogus", **options).returncode == 2
        (tmp_path / "click.py").write_text("raise ImportError")
        assert start(env=os.environ | {"PYTHONPATH": str(tmp_path)}, **options).returncode == 70


class Output:
    """An output that takes nothing, as options of ``subprocess.run``."""

    def __init__(self, kind: str, name: str = "stdout") -> None:
        self.kind, self.name = kind, name

    def __enter__(self) -> dict[str, object]:
        number = {"stdout": 1, "stderr": 2}[self.name]
        if self.kind == "closed":
            self.end = os.open(os.devnull, os.O_WRONLY)
            return {self.name: self.end, "preexec_fn": lambda: os.close(number)}
        if self.kind == "full":
            if not Path("/dev/full").exists():
                pytest.skip("this system has no /dev/full")
            self.end = os.open("/dev/full", os.O_WRONLY)
        else:
            other, self.end = os.pipe()
            os.close(other)
        return {self.name: self.end}

    def __exit__(self, *error: object) -> None:
        os.close(self.end)


@posix
@pytest.mark.parametrize("module", [True, False])
def test_an_interrupt(tmp_path, module):
    script = Path(sys.executable).with_name("speakertrip")
    command = COMMAND if module or not script.exists() else [script]
    with subprocess.Popen(
        [*command, "manifest", "synthetic", tmp_path, "--train-speakers", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background of a script is born deaf to interrupts, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            for _ in range(600):
                if list(tmp_path.rglob("*.wav")):
                    break
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "Interrupted.")


@posix
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_that_the_output_cannot_spell(tmp_path, write_tree, encoding):
    write_tree(tmp_path / "plain", ["spk1/a.wav"])
    folder = (tmp_path / "plain").rename(tmp_path / os.fsdecode(b"caf\xe9 \xe5\xa3\xb0"))
    done = start("manifest", "build", folder, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("manifest.jsonl: 1 utterance of 1 speaker\n")
    assert r"caf\udce9" in done.stdout
