"""``backend --lengths`` measures the errors with little speech; ``verify`` and ``identify`` say them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip import Bundle
from speakertrip.bundle import LengthErrors, LengthTable
from speakertrip.bundle.lengths import Rate
from speakertrip.manifests import Trials, Utterance, read_manifest, write_manifest, write_trials


def errors(seconds: float, miss: float) -> LengthErrors:
    return LengthErrors(
        seconds=seconds,
        eer=Rate(value=0.17, interval=(0.13, 0.21)),
        miss=Rate(value=miss, interval=(0.24, 0.38)),
        false_alarm=Rate(value=0.04, interval=(0.02, 0.06)),
        trials=800,
        targets=100,
        target_speakers=20,
    )


@pytest.fixture(scope="module")
def measured_folder(bundle_folder, tmp_path_factory) -> Path:
    """Return the bundle that accepts everybody, as if errors at 1 and 2 s of speech were known of it."""
    bundle = Bundle.load(bundle_folder)
    table = LengthTable(rows=(errors(1.0, 0.31), errors(2.0, 0.27)))
    folder = tmp_path_factory.mktemp("measured") / "bundle"
    replace(bundle, calibration=bundle.calibration.model_copy(update={"lengths": table})).save(folder)
    return folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, measured_folder, write_speech):
    """Go to a folder with two recordings of one voice, of about 1 and 4 s of speech."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(measured_folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    write_speech(tmp_path / "short.wav", seconds=1.3)
    write_speech(tmp_path / "long.wav", seconds=5.0)


NOTICE = (
    "short.wav holds only 1.{} s of speech: with 1 s on each side, this model misses 31 % [24, 38] and falsely accepts "
    "4 % [2, 6] at its threshold.\n"
)


def said(err: str) -> str:
    """Return the notice with the second digit of the seconds left open."""
    at = err.index("only 1.") + len("only 1.")
    return err[:at] + "{}" + err[at + 1 :]


def test_verify_says_the_errors_of_a_probe_that_is_short_and_of_no_other(speakertrip):
    code, out, err = speakertrip("verify", "--against", "long.wav", "short.wav", "long.wav")
    assert (code, out.count("accepted"), said(err)) == (0, 2, NOTICE)
    code, out, err = speakertrip("verify", "--against", "long.wav", "short.wav", "long.wav", "--json")
    short, long = map(json.loads, out.splitlines())
    assert (code, err) == (0, "")
    assert short["short_speech"] == {
        "seconds": 1.0, "eer": 0.17, "eer_interval": [0.13, 0.21], "miss_rate": 0.31, "miss_interval": [0.24, 0.38],
        "false_alarm_rate": 0.04, "false_alarm_interval": [0.02, 0.06],
    }  # fmt: skip
    assert list(short) == [*long, "short_speech"]


def test_the_answer_and_the_notice_say_the_same_number(speakertrip, write_speech):
    write_speech(Path("short.wav"), seconds=1.26)
    _, out, err = speakertrip("verify", "--against", "long.wav", "short.wav")
    assert re.findall(r"(\S+) s of speech", out) == re.findall(r"(\S+) s of speech", err) == ["1.2"]


def test_at_another_threshold_only_the_equal_error_rate_is_known(speakertrip):
    asked = ("verify", "--against", "long.wav", "short.wav", "--threshold", "-0.5")
    code, _, err = speakertrip(*asked)
    assert code in (0, 1)
    assert err.endswith("with 1 s on each side, the equal error rate of this model is 17 % [13, 21].\n")
    found = json.loads(speakertrip(*asked, "--json")[1])["short_speech"]
    assert (found["eer"], found["miss_rate"], found["false_alarm_interval"]) == (0.17, None, None)


def test_verify_says_it_of_a_short_reference(speakertrip):
    asked = ("verify", "--against", "short.wav", "long.wav")
    code, _, err = speakertrip(*asked)
    assert code == 0
    assert re.match(r"The reference is known by only 1\.[0-3] s of speech: with 1 s on each side", err)
    code, out, err = speakertrip(*asked, "--json")
    found = json.loads(out)
    assert (code, err, found["short_reference"]["miss_rate"], "short_speech" in found) == (0, "", 0.31, False)


def test_silence_does_not_make_a_reference_longer(speakertrip, write_speech):
    speech, rate = soundfile.read("short.wav")
    soundfile.write("padded.wav", np.pad(speech, 20 * rate), rate)
    assert (
        "The reference is known by only 1." in speakertrip("verify", "--against", "padded.wav", "long.wav")[2]
    )
    assert speakertrip("enroll", "ada", "padded.wav")[0] == 0
    assert "ada is known by only 1." in speakertrip("verify", "ada", "long.wav")[2]


def test_a_short_reference_is_never_rounded_up(speakertrip, write_speech):
    write_speech(Path("short.wav"), seconds=1.27)
    _, _, err = speakertrip("verify", "--against", "short.wav", "long.wav")
    assert err.startswith("The reference is known by only 1.2 s of speech: ")


def test_identify_and_lists_say_it_too(speakertrip):
    assert speakertrip("enroll", "ada", "long.wav")[0] == 0
    code, out, err = speakertrip("identify", "short.wav", "long.wav")
    assert (code, out.count("ada"), said(err)) == (0, 2, NOTICE)
    short, long = map(json.loads, speakertrip("identify", "short.wav", "long.wav", "--json")[1].splitlines())
    assert (short["short_speech"]["seconds"], "short_speech" in long) == (1.0, False)
    code, _, err = speakertrip("verify", "ada", "short.wav", "--scoring", "best")
    assert "the equal error rate of this model" in err  # of the best of several scores no rates are known

    write_manifest(
        "m.jsonl", [Utterance(name, Path(f"{name}.wav").resolve(), "x") for name in ("short", "long")]
    )
    write_trials("t.txt", Trials.of(["ada", "ada"], ["short", "long"], [True, True]))
    lists = ("verify", "--trials", "t.txt", "--manifest", "m.jsonl")
    code, out, err = speakertrip(*lists)
    assert (code, len(out.splitlines())) == (0, 2)
    assert err == (
        "1 test utterance with so little speech that this model errs more: `speakertrip bundle show` says how often.\n"
    )
    short, long = map(json.loads, speakertrip(*lists, "--json")[1].splitlines())
    assert (short["short_speech"]["miss_rate"], "short_speech" in long) == (0.31, False)


def test_a_bundle_that_knows_none_and_too_little_speech_are_as_before(
    speakertrip, bundle_folder, write_speech
):
    asked = ("verify", "--against", "long.wav", "short.wav")
    code, out, err = speakertrip(*asked, "--model", bundle_folder)
    assert (code, err) == (0, "")
    assert "short_speech" not in json.loads(speakertrip(*asked, "--model", bundle_folder, "--json")[1])
    write_speech(Path("syllable.wav"), seconds=0.42)
    code, out, err = speakertrip("verify", "--against", "long.wav", "syllable.wav")
    assert (code, out) == (3, "")
    assert "at least 0.5 s is needed" in err


def write_lists(speech_like, speakers: int) -> None:
    """Write all pairs of two utterances of each speaker, one buzz in more or less noise."""
    rows = []
    for speaker in range(speakers):
        for number in range(2):
            noise = 0.01 * np.random.default_rng(number).standard_normal(32_000)
            path = Path(f"s{speaker}-{number}.wav").resolve()
            soundfile.write(path, np.roll(speech_like(2.0, speaker), 4_000 * number) + noise, 16_000)
            rows.append(Utterance(path.stem, path, f"s{speaker}", duration=2.0))
    first, second = np.triu_indices(len(rows), k=1)
    same = [rows[a].speaker == rows[b].speaker for a, b in zip(first, second, strict=True)]
    write_manifest("fit.jsonl", rows)
    write_trials("fit.txt", Trials.of([rows[a].id for a in first], [rows[b].id for b in second], same))


FIT = ("backend", "--trials", "fit.txt", "--manifest", "fit.jsonl", "--out", "fitted", "--lengths")


def test_backend_measures_the_lengths_and_the_card_shows_them(speakertrip, speech_like):
    write_lists(speech_like, 10)
    code, _, err = speakertrip(*FIT, "1, 0.5,30")
    assert code == 0
    assert err == "No error rates at 30 s of speech: too few trials of utterances that hold so much speech.\n"
    calibration = Bundle.load("fitted").calibration
    assert [(row.seconds, row.trials, row.target_speakers) for row in calibration.lengths.rows] == [
        (0.5, 190, 10), (1.0, 190, 10),
    ]  # fmt: skip
    line = f"| 0.5 s | {calibration.lengths.rows[0].eer} |"
    assert line in speakertrip("bundle", "card", "fitted")[1]
    shown = speakertrip("bundle", "show", "fitted")[1]
    assert line in shown
    assert "lengths" not in shown
    code, _, err = speakertrip("verify", "--model", "fitted", "--against", "s0-0.wav", "s0-1.wav")
    assert err == ""  # there is more speech than 1 s
    assert speakertrip("backend", *FIT[1:], "none")[0] == 0
    assert Bundle.load("fitted").calibration == calibration.model_copy(update={"lengths": None})


def test_backend_says_no_untrue_reason_where_no_nontarget_trial_is_left(speakertrip, speech_like):
    write_lists(speech_like, 12)
    rows = {row.id: row for row in read_manifest("fit.jsonl")}
    for speaker in range(12):  # the nontarget trials are of utterances that are shorter than the length
        path = Path(f"s{speaker}-x.wav").resolve()
        soundfile.write(path, speech_like(0.8, speaker), 16_000)
        rows[path.stem] = Utterance(path.stem, path, f"s{speaker}", duration=0.8)
    write_manifest("fit.jsonl", rows.values())
    first = [f"s{speaker}-0" for speaker in range(12)]
    other = [f"s{speaker}-1" for speaker in range(12)] + [f"s{(speaker + 1) % 12}-x" for speaker in range(12)]
    write_trials("fit.txt", Trials.of(first * 2, other, [True] * 12 + [False] * 12))
    code, _, err = speakertrip(*FIT, "0.5,1")
    assert code == 0
    assert err == "No error rates at 1 s of speech: too few trials of utterances that hold so much speech.\n"


def test_the_help_says_when_little_speech_is_told_of(speakertrip):
    assert "to err more with as little speech" in " ".join(speakertrip("verify", "--help")[1].split())
    assert "where they are more than on whole" in " ".join(speakertrip("backend", "--help")[1].split())


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ("0.3", "0.4 s or more, not 0.3"),
        ("1,,2", "'' is no number"),
        ("1,nan", "no finite number"),
        ("", "no number"),
    ],
)
def test_lengths_that_cannot_be_measured(speakertrip, speech_like, lengths, message):
    write_lists(speech_like, 2)
    code, out, err = speakertrip(*FIT, lengths)
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("fitted").exists()
