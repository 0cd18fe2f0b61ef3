import json
import os
import unicodedata

import numpy as np
import pytest
import soundfile

from speakertrip.cli.lines import one_line

FORGED = "x\n0.wav: accepted.wav"
ESCAPED = r"x\n0.wav: accepted.wav"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, bundle_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for seed, name in enumerate(("0.wav", FORGED)):
        write_speech(tmp_path / name, seed, 1.2)
    return tmp_path


@pytest.fixture
def enrolled(speakertrip):
    assert speakertrip("enroll", "spk", "0.wav")[0] == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë 1 \\n'a'.wav", "Zoë 1 \\n'a'.wav"),
        ("a\tb\r\x1b[2K.wav", r"a\tb\r\x1b[2K.wav"),
        ("a\u2028b\u202ec\x85.wav", r"a\u2028b\u202ec\x85.wav"),
        (os.fsdecode(b"caf\xe9.wav"), r"caf\udce9.wav"),
    ],
)
def test_escapes(name, shown):
    assert one_line(name) == shown


def test_every_control_character_is_escaped_and_nothing_that_is_text():
    for number in range(0x10000):
        character = chr(number)
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            assert one_line(character).isascii()
            assert one_line(character).isprintable()
        elif unicodedata.category(character) != "Cf":
            assert one_line(character) == character


@pytest.mark.parametrize("words", [("verify", "spk"), ("identify",), ("embed",)])
def test_a_name_forges_no_answer(speakertrip, enrolled, words):
    code, out, err = speakertrip(*words, FORGED)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert out.startswith(ESCAPED)
    code, out, _ = speakertrip(*words, FORGED, "--json")
    row = json.loads(out)
    assert row.get("probe", row.get("file")) == FORGED


@pytest.mark.parametrize("words", [("verify", "spk"), ("identify",), ("embed",), ("enroll", "two")])
def test_a_name_forges_no_error(speakertrip, enrolled, words, place):
    (place / FORGED).write_text("This is no audio.\n")
    code, out, err = speakertrip(*words, FORGED)
    assert (code, out) == (3, "")
    assert len(err.splitlines()) == 1
    assert ESCAPED in err


def test_a_name_forges_no_note(speakertrip, enrolled):
    assert speakertrip("enroll", "spk", FORGED, "--add")[0] == 0
    code, _, err = speakertrip("enroll", "spk", FORGED, "--add")
    assert code == 0
    assert err.splitlines()[0] == f"{ESCAPED} is skipped: it is enrolled for spk already."
    assert speakertrip("speakers", "show", "spk")[1].count(ESCAPED) == 1


def test_a_name_forges_no_warning(speakertrip, enrolled, place):
    samples, rate = soundfile.read(place / FORGED)
    soundfile.write(place / FORGED, np.clip(50 * samples, -1, 1), rate)
    _, _, err = speakertrip("verify", "spk", FORGED)
    assert ESCAPED in err
    assert FORGED not in err


def test_no_parameter_of_python_is_named(speakertrip, enrolled):
    code, _, err = speakertrip("enroll", "spk", "0.wav")
    assert (code, err) == (
        4, "spk is enrolled already; add to it by --add, or forget it first by --replace.\n",
    )  # fmt: skip
