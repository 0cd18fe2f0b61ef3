"""The operating point on the command line: what is refused, and what verify and identify do by it."""

import json
import math
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from speakertrip.backend import Backend, FalseAlarmRate, GivenThreshold, LinearCalibration
from speakertrip.bundle import Bundle, Calibration
from speakertrip.cli.decisions import speech_in_words
from speakertrip.cli.numbers import Prior, Rate
from speakertrip.cli.operating_point import PointOptions
from speakertrip.errors import UsageError
from speakertrip.metrics import OperatingPoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_bundle):
    """A bundle whose scores are ratios, with a table of 1,000 nontarget trials among 20 speakers: down to 1 %."""
    rng = np.random.default_rng(0)
    targets = np.arange(1100) < 100
    one = rng.integers(0, 20, 1100)
    other = np.where(targets, one, (one + rng.integers(1, 20, 1100)) % 20)
    scores = rng.normal(size=1100) + np.where(targets, 3.0, -3.0)
    made = replace(
        make_bundle(),
        backend=Backend(calibration=LinearCalibration(("score",), np.array([1.0]), 0.0)),
        calibration=Calibration.of(scores, targets, one, other),
    )
    path = tmp_path_factory.mktemp("points") / "bundle"
    made.save(path)
    return path


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, write_speech, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(folder))
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    for seed in range(3):
        write_speech(tmp_path / f"{seed}.wav", seed, 1.2)


def test_a_bundle_shows_its_table_as_a_table(speakertrip, folder):
    code, out, err = speakertrip("bundle", "show", folder)
    assert (code, err) == (0, "")
    assert not set("{}") & set(out)
    assert max(map(len, out.splitlines())) < 400
    assert out.rstrip().endswith(Bundle.load(folder).calibration.card().rstrip())
    assert out.count("| 1 %") == 1
    facts = json.loads(speakertrip("bundle", "show", folder, "--json")[1])
    assert facts["calibration"]["false_alarms"]["nontargets"] == 1_000


def verify(speakertrip, *options):
    code, out, err = speakertrip("verify", "--against", "0.wav", "1.wav", "--json", *options)
    assert code in (0, 1), err
    return json.loads(out)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("0.1%", 0.001), ("0.001", 0.001), ("0.7 %", 0.007), (" 5e-3", 0.005), ("99.9%", 0.999), (0.2, 0.2)],
)
def test_rates_are_read(text, rate):
    assert Rate().convert(text, None, None) == Prior().convert(text, None, None) == rate


@pytest.mark.parametrize(
    "text", ["", "%", "0", "1", "100%", "-1%", "5", "nan", "sNaN", "inf", "1%%", "1%0", "one", "1e-99999999"]
)
def test_what_is_no_rate(text):
    with pytest.raises(click.BadParameter, match="is no rate between 0 and 1, such as"):
        Rate().convert(text, None, None)
    with pytest.raises(click.BadParameter, match="is no probability between 0 and 1, such as 1% or"):
        Prior().convert(text, None, None)


@pytest.mark.parametrize("verb", ["verify", "identify"])
def test_help_shows_no_range_of_the_threshold(speakertrip, verb):
    code, out, _ = speakertrip(verb, "--help")
    assert code == 0
    assert "None" not in out
    assert "[0<x<1]" in out


def test_what_is_chosen():
    assert PointOptions(None, None, None, None, None).chosen() is None
    assert PointOptions(None, 0.01, None, None, None).chosen() == FalseAlarmRate(0.01)
    assert PointOptions(None, None, 0.01, None, 5.0).chosen() == OperatingPoint(0.01, 1.0, 5.0)
    assert PointOptions(None, None, 0.01, 2.0, None).chosen() == OperatingPoint(0.01, 2.0, 1.0)
    with pytest.raises(UsageError, match="exclude each other"):
        PointOptions(None, 0.01, 0.01, None, None)
    with pytest.raises(UsageError, match="exclude each other"):
        PointOptions(0.5, 0.01, None, None, None)
    assert PointOptions(0.5, None, None, None, None).chosen() == GivenThreshold(0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--far", "0.1%", "--p-target", "0.1"], "--threshold, --far and --p-target exclude each other"),
        (["--c-miss", "1"], "--c-miss and --c-fa are the costs at a prior; give it by --p-target."),
        (["--far", "5%", "--c-fa", "1"], "--c-miss and --c-fa are the costs at a prior; give it by --p-target."),
        (["--far", "10"], "'10' is no rate between 0 and 1, such as 0.1% or 0.001."),
        (["--p-target", "1"], "'1' is no probability between 0 and 1, such as 1% or 0.01."),
        (["--threshold", "abc"], "'abc' is no number. See"),
        (["--threshold", "inf"], "inf is no finite number"),
        (["--p-target", "0.1", "--c-fa", "abc"], "'abc' is no number. See"),
        (["--p-target", "0.1", "--c-fa", "0"], "0.0 is not in the range x>0"),
        (["--p-target", "0.1", "--c-miss", "inf"], "inf is no finite number"),
        (["--p-target", "0.1", "--c-miss", "nan"], "nan is no finite number"),
        (["--far", "0.9%"], "The 1,000 nontarget trials of this bundle say no threshold for a false-alarm rate of "
                            "0.9 %; ask for 1 % or more, or fit"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", [["verify", "--against", "0.wav", "1.wav"], ["identify", "1.wav"]])
def test_what_is_refused(speakertrip, verb, options, message):
    Path("speakers.sqlite").touch()  # an empty store, which is looked for before the model
    code, out, err = speakertrip(*verb, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--far", "5%"], "This bundle knows no threshold for a false-alarm rate"),
        (["--p-target", "0.5"], "A prior and costs give a threshold of likelihood ratios"),
    ],
)
def test_a_bundle_that_cannot_say_it_tells_what_to_run(speakertrip, bundle_folder, options, message):
    Path("speakers.sqlite").touch()
    for verb in (["verify", "--against", "0.wav", "1.wav"], ["identify", "1.wav"]):
        code, out, err = speakertrip(*verb, *options, "--model", bundle_folder)
        assert (code, out) == (2, "")
        assert err.startswith(message)
        assert "`speakertrip backend` makes such a bundle" in err
        assert len(err.splitlines()) == 1


def test_a_rate_gives_its_threshold_and_what_is_expected_there(speakertrip, folder):
    table = {point["rate"]: point for point in json.loads((folder / "calibration.json").read_text())[
        "false_alarms"]["points"]}  # fmt: skip
    for text, rate in (("5%", 0.05), ("0.05", 0.05), ("5.9%", 0.05), ("1%", 0.01)):
        row = verify(speakertrip, "--far", text)
        point = table[rate]
        assert row["threshold"] == point["threshold"]
        assert (row["false_alarm_rate"], row["miss_rate"]) == (point["false_alarm"], point["miss"])
        assert row["false_alarm_interval"] == point["interval"]
        assert row["decision"] == ("accepted" if row["score"] >= point["threshold"] else "rejected")
    assert verify(speakertrip, "--far", "1%")["threshold"] > verify(speakertrip, "--far", "5%")["threshold"]


def test_the_decision_follows_the_operating_point(speakertrip):
    laxest = verify(speakertrip, "--p-target", "0.999999")
    assert laxest["decision"] == "accepted"
    strictest = verify(speakertrip, "--p-target", "0.000001")
    assert (strictest["decision"], strictest["llr"]) == ("rejected", laxest["llr"])


def test_a_prior_and_costs_give_the_bayes_threshold(speakertrip):
    row = verify(speakertrip, "--p-target", "0.01", "--c-miss", "10", "--c-fa", "2")
    assert row["threshold"] == pytest.approx(math.log(99 * 2 / 10))
    assert row["false_alarm_rate"] is None  # more than the trials can say
    row = verify(speakertrip, "--p-target", "0.8")
    assert row["threshold"] == pytest.approx(math.log(0.25))
    assert row["false_alarm_interval"][0] < row["false_alarm_rate"] < row["false_alarm_interval"][1]
    assert verify(speakertrip, "--p-target", "1e-300", "--c-miss", "1e-300")["threshold"] == pytest.approx(
        600 * math.log(10)
    )


def test_the_words_of_a_ratio_are_in_both_answers(speakertrip):
    row = verify(speakertrip)
    assert row["meaning"].endswith("times as likely from the same speaker as from another")
    code, out, err = speakertrip("verify", "--against", "0.wav", "1.wav")
    assert (code, err) == (0, "")
    assert out == (
        f"1.wav: accepted (LLR {row['llr']:.4f}: {row['meaning']}, threshold {row['threshold']:.4f}, "
        f"{speech_in_words(row['speech_seconds'])})\n"
    )


def test_what_a_rate_means_among_many(speakertrip):
    assert speakertrip("enroll", "spk0", "0.wav")[0] == 0
    assert speakertrip("identify", "0.wav", "--far", "1%")[2] == (
        "Expect up to 1 % of strangers to be taken for the one speaker enrolled (1 % in each comparison; "
        "--far changes it).\n"
    )
    for number in (1, 2):
        assert speakertrip("enroll", f"spk{number}", f"{number}.wav")[0] == 0
    code, out, err = speakertrip("identify", "0.wav", "1.wav", "--far", "1%")
    assert code in (0, 1)
    assert len([line for line in out.splitlines() if not line.startswith(" ")]) == 2
    assert err == (
        "Expect up to 3 % of strangers to be taken for one of 3 speakers (1 % in each comparison; "
        "--far changes it).\n"
    )
    code, out, err = speakertrip("identify", "1.wav", "--far", "1%", "--json")
    row = json.loads(out)
    assert err == ""
    assert (row["false_alarm_rate"], row["profiles"]) == (0.01, 3)
    assert row["false_identification_rate"] == pytest.approx(1 - 0.99**3)
    for end, any_ in zip(row["false_alarm_interval"], row["false_identification_interval"], strict=True):
        assert any_ == pytest.approx(1 - (1 - end) ** 3)
    assert row["candidates"][0]["score"] >= row["threshold"] or row["speaker"] is None


def test_where_nothing_is_known_nothing_is_said(speakertrip, bundle_folder):
    speakertrip("enroll", "spk0", "0.wav")
    code, out, err = speakertrip("identify", "1.wav", "--model", bundle_folder)
    assert (code, err) == (0, "")
    code, out, _ = speakertrip("identify", "1.wav", "--model", bundle_folder, "--json")
    row = json.loads(out)
    for key in ("false_alarm_rate", "false_alarm_interval", "miss_rate", "false_identification_rate"):
        assert row[key] is None
    assert row["false_identification_interval"] is None
    row = verify(speakertrip, "--model", bundle_folder)
    assert (row["meaning"], row["llr"], row["miss_rate"]) == (None, None, None)


def test_enrollment_keeps_the_bundles_own_threshold_and_takes_no_point(speakertrip):
    code, out, err = speakertrip("enroll", "spk0", "0.wav", "--far", "1%")
    assert (code, out) == (2, "")
    assert "No such option '--far'" in err


def test_the_help_says_what_is_assumed():
    from speakertrip.cli.identify import identify
    from speakertrip.cli.verify import verify as verb

    said = " ".join(CliRunner().invoke(identify, ["--help"]).output.split())
    assert "1 - (1 - F)^N, if the comparisons are independent" in said
    said = " ".join(CliRunner().invoke(verb, ["--help"]).output.split())
    assert "no detection of replayed or synthetic speech" in said
