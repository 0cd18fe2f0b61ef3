import json

import numpy as np
import pytest

from speakertrip.bundle import Bundle
from speakertrip.enrollment import Enrollment, SpeakerStore


def enroll_some(store, model, numbers):
    rng = np.random.default_rng(numbers[0])
    for number in numbers:
        centre = rng.standard_normal(24)
        rows = [(centre + 0.5 * rng.standard_normal(24)).astype(np.float32) for _ in range(2)]
        store.add(f"spk{number}", model, [Enrollment(row, "/a.wav", "", 2.0) for row in rows])


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch, bundle_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    store = SpeakerStore("speakers.sqlite")
    enroll_some(store, Bundle.load(bundle_folder).identity, range(12))
    return store


def test_verify_and_identify_decide_by_it(speakertrip, tmp_path, write_speech):
    probe = str(write_speech(tmp_path / "probe.wav", 0, 2.0))

    def verified():
        _, out, _ = speakertrip("verify", "spk1", probe, "--json")
        answer = json.loads(out)
        return answer["score"], answer["threshold"], answer["llr"]

    before = verified()
    code, out, err = speakertrip("speakers", "calibrate")
    assert (code, err) == (0, "")
    assert out.startswith("speakers.sqlite: calibrated on 288 trials (24 target) of 12 speakers; threshold ")
    after = verified()
    assert before[2] is None
    assert after[2] == after[0] != before[0]
    _, out, _ = speakertrip("identify", probe, "--json", "--top", "12")
    found = json.loads(out)
    assert found["threshold"] == after[1]
    assert {each["name"]: each["score"] for each in found["candidates"]}["spk1"] == pytest.approx(
        after[0], abs=1e-5
    )

    code, out, _ = speakertrip("speakers", "calibrate", "--per-profile", "--json")
    assert code == 0
    assert json.loads(out)["per_profile"] is True
    assert json.loads(out)["calibration"]["trials"] == 288
    assert speakertrip("speakers", "calibrate", "--clear") == (
        0,
        "speakers.sqlite: its calibration is forgotten\n",
        "",
    )
    assert speakertrip("speakers", "calibrate", "--clear") == (
        0,
        "speakers.sqlite: it had no calibration\n",
        "",
    )
    assert speakertrip("speakers", "calibrate", "--clear", "--json") == (
        0,
        '{"store": "speakers.sqlite", "cleared": false}\n',
        "",
    )
    assert verified() == before


def test_what_cannot_be_calibrated(speakertrip, store):
    for number in range(3):
        store.remove(f"spk{number}")
    code, out, err = speakertrip("speakers", "calibrate")
    assert (code, out) == (4, "")
    assert "needs at least 10 speakers" in err
    code, _, err = speakertrip("speakers", "calibrate", "--clear", "--per-profile")
    assert (code, err) == (2, "--clear and --per-profile exclude each other.\n")
    for more in ([], ["--clear"]):
        code, _, err = speakertrip("speakers", "calibrate", "--store", "none.sqlite", *more)
        assert (code, err) == (
            4,
            "There is no store none.sqlite; enroll a speaker first, or name another file.\n",
        )
    assert not store.path.with_name("none.sqlite").exists()


@pytest.mark.parametrize("calibrated", [True, False])
def test_both_verbs_take_a_rate_that_only_the_store_knows(
    speakertrip, store, tmp_path, write_speech, bundle_folder, uncalibrated_folder, calibrated
):
    folder, probe = (
        bundle_folder if calibrated else uncalibrated_folder,
        write_speech(tmp_path / "p.wav", 0, 2.0),
    )
    model = Bundle.load(folder)
    assert model.calibration is None or model.calibration.false_alarms is None
    enroll_some(store, model.identity, range(12, 24))
    verbs = (["verify", "spk1"], ["identify"])
    options = (probe, "--model", folder, "--far", "5%")
    for verb in verbs:
        code, out, err = speakertrip(*verb, *options)
        assert (code, out) == (2, "")
        assert "false-alarm rate" in err
    assert speakertrip("speakers", "calibrate", "--model", folder)[0] == 0
    rows = []
    for verb in verbs:
        code, out, err = speakertrip(*verb, *options, "--json")
        assert code in (0, 1)
        assert err == ""
        rows.append(json.loads(out))
    assert rows[0]["threshold"] == rows[1]["threshold"]
    assert 0 < rows[0]["false_alarm_rate"] == rows[1]["false_alarm_rate"] <= 0.05
    _, _, note = speakertrip("identify", *options)
    assert "--far changes it" in note
