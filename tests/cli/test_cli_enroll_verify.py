import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.bundle.files import read_folder, write_folder
from speakertrip.enrollment import SpeakerStore

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder) -> Path:
    """Make the current folder one with audio of every kind; the bundle and the store come from the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for seed in range(3):
        write_speech(tmp_path / f"{seed}.wav", seed, 1.2)
    (tmp_path / "text.wav").write_text("This is no audio.\n")
    soundfile.write("silence.wav", np.zeros(32_000, np.float32), 16_000)
    write_speech(tmp_path / "short.wav", 0, 0.2)
    (tmp_path / "empty").mkdir()
    return tmp_path


def refused(result: tuple[int, str, str], code: int, *parts: str) -> None:
    """Check that a call said nothing on stdout and one line on stderr."""
    assert result[:2] == (code, "")
    assert len(result[2].splitlines()) == 1
    assert "Traceback" not in result[2]
    for part in parts:
        assert part in result[2]


def test_enroll_and_verify(speakertrip, rejecting_folder):
    assert speakertrip("enroll", "spk1", "0.wav", "1.wav") == (0, "spk1: 2 utterances, 2.4 s\n", "")
    code, out, err = speakertrip("verify", "spk1", "2.wav")
    assert (code, err) == (0, "")
    assert out.startswith("2.wav: accepted (score ")
    assert re.fullmatch(r"2\.wav: accepted \(score .*, threshold -1\.0000, 1\.\d s of speech\)\n", out)
    code, out, err = speakertrip("verify", "spk1", "2.wav", "--model", rejecting_folder)
    assert (code, err) == (1, "")
    assert out.startswith("2.wav: rejected (score ")


def test_a_threshold_of_ones_own(speakertrip, uncalibrated_folder, monkeypatch):
    assert speakertrip("verify", "--against", "0.wav", "1.wav", "--threshold", "1.1")[0] == 1
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(uncalibrated_folder))
    assert speakertrip("enroll", "spk1", "0.wav", "1.wav")[0] == 0
    for words in (("verify", "spk1"), ("verify", "--against", "0.wav"), ("identify",)):
        refused(speakertrip(*words, "2.wav"), 5, "speakertrip backend", "--threshold")
        assert [speakertrip(*words, "2.wav", "--threshold", each)[0] for each in ("-1", "1.1")] == [0, 1]
        for wrong in ("nan", "inf", "high"):
            assert speakertrip(*words, "2.wav", "--threshold", wrong)[0] == 2


def test_against_needs_no_store(speakertrip, rejecting_folder, place):
    assert speakertrip("verify", "--against", "0.wav", "--against", "1.wav", "2.wav")[0] == 0
    assert speakertrip("verify", "--against", "0.wav", "0.wav", "--model", rejecting_folder)[0] == 1
    assert not (place / "speakers.sqlite").exists()


def test_json_lines(speakertrip):
    code, out, err = speakertrip("enroll", "Zo\u00eb", "0.wav", "--json")
    assert json.loads(out) == {"name": "Zo\u00eb", "utterances": 1, "seconds": 1.2}
    assert (code, err, out.count("\n")) == (0, "", 1)
    code, out, err = speakertrip("verify", "Zo\u00eb", "0.wav", "1.wav", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    told = {"probe", "decision", "score", "threshold", "llr", "speech_seconds", "meaning"}
    expected = {"false_alarm_rate", "false_alarm_interval", "miss_rate"}
    assert [set(row) for row in rows] == [told | expected] * 2
    assert [(row["probe"], row["decision"], row["threshold"]) for row in rows] == [
        ("0.wav", "accepted", -1.0),
        ("1.wav", "accepted", -1.0),
    ]
    assert rows[0]["score"] == pytest.approx(1.0, abs=1e-6)
    assert rows[1]["score"] < rows[0]["score"]


@pytest.mark.parametrize("model", ["bundle_folder", "rejecting_folder"])
@pytest.mark.parametrize("bad", ["absent.wav", "text.wav", "silence.wav", "short.wav", "empty"])
def test_several_probes(speakertrip, request, model, bad):
    folder = request.getfixturevalue(model)
    result = speakertrip("verify", "--against", "0.wav", "1.wav", bad, "2.wav", "--json", "--model", folder)
    assert result[0] == 3
    rows = [json.loads(line) for line in result[1].splitlines()]
    assert [row["probe"] for row in rows] == ["1.wav", bad, "2.wav"]
    assert rows[1] == {"probe": bad, "error": result[2].rstrip("\n")}
    assert len(result[2].splitlines()) == 1
    assert bad in result[2]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("absent.wav", "there is no such file"),
        ("text.wav", "is not audio that can be decoded"),
        ("silence.wav", "is silent"),
        ("short.wav", "at least 0.4 s are needed"),
        ("empty", "holds no audio"),
    ],
)
def test_bad_audio(speakertrip, place, bad, message):
    refused(speakertrip("enroll", "spk1", "0.wav", bad), 3, bad, message)
    refused(speakertrip("verify", "--against", bad, "0.wav"), 3, bad, message)
    refused(speakertrip("verify", "--against", "0.wav", bad), 3, bad, message)
    assert not (place / "speakers.sqlite").exists()


@pytest.fixture
def little(place) -> None:
    """Make ``noise.wav`` steady noise, and ``word.wav`` 0.4 s of voice with its edges, between pauses of a second."""
    noise = 0.001 * np.random.default_rng(0).standard_normal(36_800)
    soundfile.write("noise.wav", noise * 100, 16_000)
    voice, _ = soundfile.read("2.wav", frames=4_800)
    soundfile.write("word.wav", noise + np.concatenate([np.zeros(16_000), voice, np.zeros(16_000)]), 16_000)


@pytest.mark.usefixtures("little")
def test_too_little_speech(speakertrip, place):
    needed = (" s of speech (energy detector); at least ", " s is needed.")
    refused(speakertrip("enroll", "spk1", "word.wav"), 3, "word.wav holds 0.4", "1".join(needed))
    refused(speakertrip("enroll", "spk1", "word.wav", "noise.wav"), 3, "noise.wav holds no speech")
    refused(
        speakertrip("enroll", "spk1", "word.wav", "./word.wav"), 3, "word.wav holds 0.4"
    )  # it counts once
    refused(
        speakertrip("verify", "--against", "0.wav", "word.wav"), 3, "word.wav holds 0.4", "0.5".join(needed)
    )
    refused(
        speakertrip("verify", "--against", "word.wav", "0.wav"), 3, "word.wav holds 0.4", "0.5".join(needed)
    )
    assert not (place / "speakers.sqlite").exists()
    refused(speakertrip("enroll", "spk1", "0.wav", "--min-speech", 5), 3, "at least 5 s is needed")
    refused(speakertrip("enroll", "spk1", "0.wav", "--min-speech", "nan"), 2, "must be 0 s or more")

    code, out, err = speakertrip("verify", "--against", "0.wav", "word.wav", "1.wav", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, rows[0]["probe"], rows[0]["error"] + "\n") == (3, "word.wav", err)
    assert 0.9 < rows[1]["speech_seconds"] < 1.2


@pytest.mark.usefixtures("little")
def test_as_little_speech_as_is_asked_for(speakertrip):
    assert speakertrip("enroll", "spk1", "word.wav", "0.wav")[0] == 0
    assert speakertrip("enroll", "spk1", "word.wav", "--add")[2].startswith("word.wav is skipped")
    assert speakertrip("enroll", "spk2", "word.wav", "--min-speech", 0.2)[0] == 0
    assert (
        speakertrip("enroll", "spk2", "0.wav", "--add", "--min-speech", 5)[0] == 0
    )  # there is a voice already
    assert speakertrip("verify", "spk2", "word.wav", "--min-speech", 0.2)[0] == 0
    assert speakertrip("enroll", "spk3", "noise.wav", "--vad", "none")[0] == 0
    code, out, _ = speakertrip("verify", "spk3", "noise.wav", "--vad", "none", "--json")
    assert (code, json.loads(out)["speech_seconds"]) == (0, 2.3)
    refused(speakertrip("verify", "spk3", "noise.wav", "--vad", "none", "--min-speech", 3), 3, "no detector")
    refused(speakertrip("verify", "spk3", "noise.wav", "--vad", "loud"), 2, "'loud' is not one of")


@pytest.mark.usefixtures("little")
def test_silero(speakertrip, monkeypatch):
    call = ["verify", "--against", "noise.wav", "noise.wav", "--vad", "silero"]
    with monkeypatch.context() as patch:
        patch.setattr("speakertrip.audio.silero.find_spec", lambda name: None)
        refused(speakertrip(*call), 2, "pip install 'speakertrip[silero]'")
    if find_spec("silero_vad") and find_spec("onnxruntime"):
        refused(speakertrip(*call), 3, "noise.wav holds no speech (Silero detector)")


def test_poor_audio_is_warned_of(speakertrip, place):
    voice, rate = soundfile.read("0.wav")
    soundfile.write("loud.wav", np.clip(20 * voice, -1, 1), rate)
    warning = " is heavily clipped ("
    code, out, err = speakertrip("enroll", "spk1", "0.wav", "loud.wav")
    assert (code, out) == (3, "")
    assert "enroll from a better recording, or take it all the same by --accept-poor" in err
    assert not Path("speakers.sqlite").exists()
    for arguments in (
        ["enroll", "spk1", "loud.wav", "--accept-poor"],
        ["verify", "--against", "loud.wav", "loud.wav", "1.wav"],
    ):
        code, _, err = speakertrip(*arguments)
        assert code == 0
        assert err.startswith("loud.wav" + warning)
        assert len(err.splitlines()) == 1


def test_enrolling_again(speakertrip):
    speakertrip("enroll", "spk1", "0.wav")
    refused(
        speakertrip("enroll", "spk1", "1.wav"),
        4,
        "enrolled already; add to it by --add, or",
    )
    assert speakertrip("enroll", "spk1", "1.wav", "2.wav", "--add")[1] == "spk1: 3 utterances, 3.6 s\n"
    refused(speakertrip("enroll", "spk1", "1.wav", "silence.wav", "--replace"), 3, "silence.wav")
    assert len(SpeakerStore("speakers.sqlite").get("spk1").enrollments) == 3
    assert speakertrip("enroll", "spk1", "1.wav", "--replace")[1] == "spk1: 1 utterance, 1.2 s\n"


@pytest.mark.parametrize("name", ["Zo\u00eb \u58f0", "'; DROP TABLE speakers;--", "../../x", "%s{0}"])
def test_odd_names(speakertrip, place, name):
    assert speakertrip("enroll", name, "0.wav")[:2] == (0, f"{name}: 1 utterance, 1.2 s\n")
    assert speakertrip("verify", name, "0.wav")[0] == 0
    assert SpeakerStore("speakers.sqlite").names() == [name]
    refused(speakertrip("verify", "spk1", "0.wav"), 4, "No speaker named spk1")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 201])
def test_no_names(speakertrip, name):
    refused(speakertrip("enroll", name, "0.wav"), 2, "A speaker's name")
    refused(speakertrip("verify", name, "0.wav"), 2, "A speaker's name")


def test_unknown_speakers_and_stores(speakertrip, place):
    refused(speakertrip("verify", "spk1", "0.wav"), 4, "There is no store speakers.sqlite")
    refused(speakertrip("verify", "spk1", "0.wav", "--store", "0.wav/x"), 4, "There is no store 0.wav/x")
    assert not (place / "speakers.sqlite").exists()
    (place / "random").write_bytes(np.random.default_rng(0).bytes(3000))
    with sqlite3.connect("foreign") as db:
        db.execute("CREATE TABLE speakers (id)")
    speakertrip("enroll", "spk1", "0.wav", "--store", "newer")
    refused(speakertrip("verify", "spk2", "0.wav", "--store", "newer"), 4, "No speaker named spk2", "newer")
    with sqlite3.connect("newer") as db:
        db.execute("PRAGMA user_version = 9")
    for store in ("random", "foreign", "newer", "."):
        refused(speakertrip("verify", "spk1", "0.wav", "--store", store), 4, store)
        refused(speakertrip("enroll", "spk1", "0.wav", "--store", store), 4, store)


def test_another_models_speaker(speakertrip, make_bundle, place):
    speakertrip("enroll", "spk1", "0.wav")
    make_bundle(seed=1).save(place / "other")
    refused(speakertrip("verify", "spk1", "0.wav", "--model", "other"), 4, "another model")
    refused(speakertrip("enroll", "spk1", "0.wav", "--add", "--model", "other"), 4, "another model")
    assert speakertrip("enroll", "spk1", "0.wav", "--replace", "--model", "other")[0] == 0


@pytest.mark.parametrize("store", ["0.wav/speakers.sqlite", "/proc/speakers.sqlite"])
def test_stores_that_cannot_be_written(speakertrip, store):
    refused(speakertrip("enroll", "spk1", "0.wav", "--store", store), 7, "Cannot write the store")


def changed(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: write_folder(folder, read_folder(folder, ()) | {name: content})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "There is no bundle at"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "is damaged"),
        (lambda folder: (folder / "calibration.json").unlink(), "is incomplete"),
        (changed("config.json", b'{"format": 2}'), "update speakertrip"),
        (changed("model.safetensors", b""), "is malformed"),
    ],
)
def test_bad_bundles(speakertrip, place, bundle_folder, spoil, message):
    speakertrip("enroll", "spk1", "0.wav", "--store", "known.sqlite")
    shutil.copytree(bundle_folder, place / "model")
    spoil(place / "model")
    for arguments in (
        ["enroll", "spk1", "0.wav"],
        ["verify", "spk1", "0.wav", "--store", "known.sqlite"],
        ["verify", "--against", "0.wav", "1.wav"],
    ):
        refused(speakertrip(*arguments, "--model", "model"), 5, "model", message)
    assert not (place / "speakers.sqlite").exists()


def test_a_bundle_without_a_name_is_not_the_current_folder(speakertrip, bundle_folder, monkeypatch):
    monkeypatch.chdir(bundle_folder)
    audio = bundle_folder / "README.md"  # is there, which is seen before the bundle is
    refused(speakertrip("verify", "--against", audio, audio, "--model", ""), 5, "path of the bundle is empty")
    monkeypatch.setenv(
        "SPEAKERTRIP_MODEL", ""
    )  # as if it were not set: the model that ships with speakertrip
    assert speakertrip("verify", "--against", audio, audio)[0] == 3


def test_a_name_beside_against(speakertrip):
    refused(speakertrip("verify", "spk1", "1.wav", "--against", "0.wav"), 2, "spk1 is no file", "--against")
    refused(
        speakertrip("verify", "spk1", "-", "--against", "0.wav"), 2, "spk1 is no file", "exclude each other"
    )
    refused(speakertrip("verify", "absent.wav", "--against", "0.wav"), 3, "there is no such file")
    refused(speakertrip("verify", "a" * 5000, "1.wav", "--against", "0.wav"), 2, "is no file")


def test_a_file_counts_once(speakertrip):
    code, out, err = speakertrip("enroll", "spk1", "0.wav", "1.wav", "./0.wav")
    assert (code, out) == (0, "spk1: 2 utterances, 2.4 s\n")
    assert err == "./0.wav is skipped: it is enrolled for spk1 already.\n"
    code, out, err = speakertrip("enroll", "spk1", "0.wav", "2.wav", "--add")
    assert (code, out) == (0, "spk1: 3 utterances, 3.6 s\n")
    assert err == "0.wav is skipped: it is enrolled for spk1 already.\n"
    code, out, err = speakertrip("enroll", "spk1", "0.wav", "--add", "--json")
    assert (code, json.loads(out)["utterances"]) == (0, 3)
    assert err.splitlines() == [
        "0.wav is skipped: it is enrolled for spk1 already.",
        "Nothing new was added to spk1.",
    ]


@pytest.fixture
def standard_input(monkeypatch) -> Callable[[bytes | None], None]:
    """Return ``give(content)``: what the next calls find on standard input; None: it is closed."""

    def give(content: bytes | None) -> None:
        stream = None if content is None else io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", stream)

    return give


def test_standard_input(speakertrip, standard_input, place):
    content = (place / "0.wav").read_bytes()
    standard_input(content)
    assert speakertrip("enroll", "spk1", "-", "1.wav") == (0, "spk1: 2 utterances, 2.4 s\n", "")
    for arguments in (["spk1", "-", "2.wav"], ["--against", "2.wav", "-"], ["--against", "-", "2.wav"]):
        standard_input(content)
        code, out, err = speakertrip("verify", *arguments)
        assert (code, err) == (0, "")
        named = ["0.wav" if argument == "-" else argument for argument in arguments]
        assert out.replace("-: ", "0.wav: ", 1) == speakertrip("verify", *named)[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Standard input is not audio that can be decoded"),
        (b"This is no audio.\n", "Standard input is not audio that can be decoded"),
        (None, "Standard input is closed"),
    ],
)
def test_standard_input_that_cannot_be_used(speakertrip, standard_input, place, content, message):
    for arguments in (["enroll", "spk1", "0.wav", "-"], ["verify", "--against", "-", "0.wav"]):
        standard_input(content)
        refused(speakertrip(*arguments), 3, message)
    standard_input(content)
    code, out, err = speakertrip("verify", "--against", "0.wav", "-", "1.wav", "--json")
    assert code == 3
    assert [json.loads(line)["probe"] for line in out.splitlines()] == ["-", "1.wav"]
    assert err.startswith(message)
    assert not (place / "speakers.sqlite").exists()


@pytest.mark.parametrize(
    "arguments", [["enroll", "a", "-", "-"], ["verify", "a", "-", "-"], ["verify", "--against", "-", "-"]]
)
def test_standard_input_is_read_once(speakertrip, arguments):
    refused(speakertrip(*arguments), 2, "Standard input (-) can be read once")


def test_a_speaker_may_be_named_like_standard_input(speakertrip, standard_input, place):
    assert speakertrip("enroll", "-", "0.wav")[:2] == (0, "-: 1 utterance, 1.2 s\n")
    standard_input((place / "0.wav").read_bytes())
    assert speakertrip("verify", "-", "-")[0] == 0


def test_the_users_own_store(speakertrip, place, monkeypatch):
    monkeypatch.delenv("SPEAKERTRIP_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(place / "data"))
    assert speakertrip("enroll", "spk1", "0.wav")[0] == 0
    assert SpeakerStore(place / "data/speakertrip/speakers.sqlite").names() == ["spk1"]


def test_devices_and_threads(speakertrip):
    assert speakertrip("verify", "--against", "0.wav", "1.wav", "--device", "cpu", "--threads", "1")[0] == 0
    if sys.platform != "darwin":
        refused(
            speakertrip("verify", "--against", "0.wav", "1.wav", "--device", "mps"),
            2,
            "'mps' is not available",
        )


@pytest.mark.skipif(os.name != "posix", reason="descriptors are POSIX's")
@pytest.mark.parametrize(("output", "code"), [("file", 1), ("closed pipe", 7), ("/dev/full", 7)])
def test_whole_processes_that_reject(place, rejecting_folder, output, code):
    """A result that cannot be told is no rejection, and a rejection is one line and nothing else."""
    command = [sys.executable, "-m", "speakertrip", "verify", "--against", "0.wav", "1.wav"]
    command += ["--model", str(rejecting_folder), "--json"]
    if output == "closed pipe":
        other, end = os.pipe()
        os.close(other)
    else:
        end = os.open("out.jsonl" if output == "file" else output, os.O_WRONLY | os.O_CREAT)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, stdout=end, stderr=subprocess.PIPE, text=True, check=False, env=environment
    )
    os.close(end)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (code == 7)
    if output == "file":
        assert json.loads((place / "out.jsonl").read_text())["decision"] == "rejected"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_in_json(speakertrip):
    name = os.fsdecode(b"caf\xe9.wav")
    shutil.copy("1.wav", name)
    code, out, _ = speakertrip("verify", "--json", "--against", "0.wav", name)
    assert (code, out.isascii()) == (0, True)
    assert os.fsencode(json.loads(out)["probe"]) == b"caf\xe9.wav"
