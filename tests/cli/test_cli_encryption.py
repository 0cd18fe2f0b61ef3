"""Keys and encrypted stores from the command line."""

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from speakertrip.enrollment import Enrollment, SpeakerStore, read_key

MODEL = "a1" * 32
FILE = "speakers.sqlite"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SPEAKERTRIP_KEY", "SPEAKERTRIP_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPEAKERTRIP_STORE", FILE)
    vector = np.random.default_rng(0).standard_normal(24).astype(np.float32)
    SpeakerStore(FILE).add("spk-of-old", MODEL, [Enrollment(vector, "/audio/1.wav", "ab" * 32, 2.0)])
    return tmp_path


@pytest.fixture
def sealed(speakertrip):
    """Encrypt the store; returns the words that give its key."""
    assert speakertrip("speakers", "key", "store.key")[0] == 0
    code, out, err = speakertrip("speakers", "encrypt", "--key-file", "store.key")
    assert (code, out, err) == (0, f"{FILE}: encrypted\n", "")
    return "--key-file", "store.key"


def test_a_key(speakertrip, place):
    said = "store.key: a new key; keep a copy elsewhere, nobody reads the store without it\n"
    assert speakertrip("speakers", "key", "store.key") == (0, said, "")
    content = (place / "store.key").read_bytes()
    assert stat.S_IMODE((place / "store.key").stat().st_mode) == 0o600
    code, out, err = speakertrip("speakers", "key", "store.key")
    assert (code, out) == (4, "")
    assert err == "store.key is there already; a key is never overwritten.\n"
    assert (place / "store.key").read_bytes() == content


def test_every_verb_on_an_encrypted_store(speakertrip, sealed):
    assert b"spk-of-old" not in (content := Path(FILE).read_bytes())
    assert b"/audio/1.wav" not in content
    assert speakertrip("speakers", "list", *sealed)[1].startswith("spk-of-old     1 utterance ")
    assert (
        "  /audio/1.wav  2.0 s  sha256 abababababab\n"
        in speakertrip("speakers", "show", "spk-of-old", *sealed)[1]
    )
    assert speakertrip("speakers", "rename", "spk-of-old", "Zo\u00eb of late", *sealed)[0] == 0
    assert speakertrip("speakers", "export", "all.jsonl", *sealed) == (0, "all.jsonl: 1 speaker\n", "")
    assert speakertrip("speakers", "import", "all.jsonl", "--replace", *sealed)[0] == 0
    assert speakertrip("speakers", "import", "all.jsonl", "--store", "new.sqlite", *sealed)[0] == 0
    assert "Zo\u00eb of late".encode() not in Path("new.sqlite").read_bytes()
    assert speakertrip("speakers", "remove", "Zo\u00eb of late", *sealed)[:2] == (
        0,
        "Zo\u00eb of late: removed\n",
    )
    assert speakertrip("speakers", "decrypt", *sealed) == (0, f"{FILE}: decrypted\n", "")
    assert speakertrip("speakers", "list") == (0, "", "Nobody is enrolled.\n")


def test_where_a_key_comes_from(speakertrip, sealed, monkeypatch):
    key = read_key("store.key")
    for name, value in (("SPEAKERTRIP_KEY_FILE", "store.key"), ("SPEAKERTRIP_KEY", key.hex())):
        monkeypatch.setenv(name, value)
        assert speakertrip("speakers", "list")[0] == 0
        monkeypatch.delenv(name)
    monkeypatch.setenv("SPEAKERTRIP_KEY", bytes(range(32)).hex())
    assert speakertrip("speakers", "list")[0] == 4
    assert speakertrip("speakers", "list", *sealed)[0] == 0  # what is said goes before the environment


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ([], f"{FILE} is encrypted; give its key by --key-file or SPEAKERTRIP_KEY."),
        (["--key-file", "other.key"], f"{FILE} was encrypted with another key: this is the wrong key."),
        (["--key-file", "absent.key"], "Cannot read the key file absent.key: No such file or directory."),
        (["--key-file", "short.key"], "short.key is no key: "),
    ],
)
def test_keys_that_do_not_fit(speakertrip, sealed, place, key, said):
    (place / "other.key").write_bytes(secret := bytes(range(200, 232)))
    (place / "short.key").write_bytes(secret[:31])
    for file in ("other.key", "short.key"):
        (place / file).chmod(0o600)
    for verb in (
        ["speakers", "list"],
        ["speakers", "show", "x"],
        ["speakers", "audit"],
        ["speakers", "remove", "x"],
    ):
        code, out, err = speakertrip(*verb, *key)
        assert (code, out) == (4, "")
        assert err.startswith(said)
        assert len(err.splitlines()) == 1


def test_conversions_that_cannot_be(speakertrip, place):
    for verb in ("encrypt", "decrypt"):
        code, out, err = speakertrip("speakers", verb)
        assert (code, out) == (2, "")
        assert err.startswith("Which key? Name it by --key-file or SPEAKERTRIP_KEY; ")
    speakertrip("speakers", "key", "store.key")
    key = ("--key-file", "store.key")
    assert "is not encrypted" in speakertrip("speakers", "decrypt", *key)[2]
    code, out, err = speakertrip("speakers", "encrypt", *key, "--store", "none.sqlite")
    assert (code, out) == (4, "")
    assert "There is no store none.sqlite" in err
    assert (
        speakertrip("speakers", "encrypt", *key, "--json")[1]
        == json.dumps({"store": FILE, "encrypted": True, "erased": True}) + "\n"
    )
    code, _, err = speakertrip("speakers", "encrypt", *key)
    assert (code, err) == (4, f"{FILE} is encrypted already; another key needs decrypt first.\n")


def test_an_erasure_that_must_wait_says_so(speakertrip, monkeypatch):
    monkeypatch.setattr("speakertrip.enrollment.store.database.ERASING_SECONDS", 0.05)
    speakertrip("speakers", "key", "store.key")
    with closing(sqlite3.connect(FILE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM speakers").fetchall()
        code, out, _ = speakertrip("speakers", "encrypt", "--key-file", "store.key")
        assert (code, out) == (0, f"{FILE}: encrypted, erasure pending\n")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_key_that_others_may_read_is_warned_of(speakertrip, sealed, place):
    (place / "store.key").chmod(0o644)
    code, out, err = speakertrip("speakers", "list", *sealed)
    assert code == 0
    assert out
    assert "The key file store.key is open to others (mode 644); close it by chmod 600." in err


def test_enroll_verify_and_identify(speakertrip, place, write_speech, bundle_folder):
    for seed in range(2):
        write_speech(place / f"{seed}.wav", seed, 1.2)
    speakertrip("speakers", "key", "store.key")
    options = ("--model", bundle_folder, "--store", "new.sqlite", "--key-file", "store.key")
    assert speakertrip("enroll", "spk1", "0.wav", *options)[0] == 0
    assert b"spk1" not in (place / "new.sqlite").read_bytes()
    assert speakertrip("verify", "spk1", "1.wav", *options)[0] == 0
    assert speakertrip("identify", "1.wav", *options)[1].startswith("1.wav: spk1 (")
    assert speakertrip("verify", "spk1", "1.wav", *options[:4])[0] == 4
    # Without a store, no key is looked for.
    assert speakertrip("verify", "--against", "0.wav", "1.wav", *options[:2], "--key-file", "absent")[0] == 0
