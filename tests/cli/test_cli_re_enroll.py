import json
from pathlib import Path

import pytest

from speakertrip.enrollment import SpeakerStore


@pytest.fixture(autouse=True)
def other(tmp_path, monkeypatch, write_speech, bundle_folder, make_bundle, speakertrip):
    """Enroll three speakers by one model, and make another the one of the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPEAKERTRIP_STORE", "speakers.sqlite")
    monkeypatch.setenv("SPEAKERTRIP_MODEL", str(bundle_folder))
    for seed in range(3):
        write_speech(tmp_path / f"{seed}.wav", seed, 1.2)
        assert speakertrip("enroll", f"spk{seed}", f"{seed}.wav")[0] == 0
    make_bundle(seed=1).save(tmp_path / "other")
    monkeypatch.setenv("SPEAKERTRIP_MODEL", "other")


def models() -> list[str]:
    return [each.model for each in SpeakerStore("speakers.sqlite").summaries()]


def test_all_of_another_model(speakertrip):
    code, out, err = speakertrip("speakers", "re-enroll", "spk1")
    assert (code, out, err) == (0, "spk1: 1 utterance embedded again\n", "")
    assert speakertrip("verify", "spk1", "1.wav")[0] == 0
    code, out, err = speakertrip("speakers", "re-enroll", "--json")
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"name": name, "renewed": True, "utterances": 1} for name in ("spk0", "spk2")
    ]
    assert len(set(models())) == 1
    assert speakertrip("speakers", "re-enroll") == (0, "", "Nobody is enrolled with another model.\n")
    assert speakertrip("speakers", "re-enroll", "spk1")[1] == "spk1: of this model already\n"


def test_one_that_cannot_be_renewed_stays_and_the_others_go_on(speakertrip):
    Path("1.wav").unlink()
    code, out, err = speakertrip("speakers", "re-enroll", "--json")
    assert (code, err.count("\n")) == (3, 1)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["name"] for row in rows] == ["spk0", "spk1", "spk2"]
    assert rows[1] == {"name": "spk1", "error": err.rstrip("\n")}
    assert err.startswith("spk1 stays as it was: cannot read ")
    assert models()[0] == models()[2] != models()[1]
    code, out, err = speakertrip("speakers", "re-enroll", "spk1", "spk9", "spk0")
    assert code == 4
    assert out == "spk0: of this model already\n"
    assert err.splitlines()[1].startswith("No speaker named spk9")


def test_no_store(speakertrip):
    code, out, err = speakertrip("speakers", "re-enroll", "spk1", "--store", "none.sqlite")
    assert (code, out) == (4, "")
    assert err.startswith("There is no store")
