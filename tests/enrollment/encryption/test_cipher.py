"""Values that are sealed: what opens, where, and by which key."""

import hmac
import os
import subprocess
import sys

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.enrollment.encryption.cipher import PLAIN, DamagedError, Place
from speakertrip.enrollment.encryption.sealed import SealedCipher

KEY, SALT = bytes(range(32)), bytes(range(100, 132))
PLACE = Place("path", "ab" * 16, 7)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def cipher(key=KEY, salt=SALT):
    return SealedCipher(key, salt)


def hkdf(key, salt, purpose):
    """RFC 5869 with one block."""
    drawn = hmac.digest(salt, key, "sha256")
    return hmac.digest(drawn, purpose + b"\x01", "sha256")


@given(TEXT, st.binary(max_size=3_000))
def test_what_was_sealed_opens_at_its_place(text, data):
    for each in (PLAIN, cipher()):
        assert each.open_text(each.seal(text, PLACE), PLACE) == text
        assert each.open_bytes(each.seal(data, PLACE), PLACE) == data


def test_the_keys_and_the_form_are_those_that_are_documented():
    lookup = hkdf(KEY, SALT, b"speakertrip store: lookup of names")
    assert cipher().lookup("Zo\u00eb") == hmac.digest(lookup, "Zo\u00eb".encode(), "sha256")
    sealed = cipher().seal("text", PLACE)
    seal = hkdf(KEY, SALT, b"speakertrip store: sealing of values")
    place = f"path/7/{'ab' * 16}".encode()
    assert AESGCM(seal).decrypt(sealed[:12], sealed[12:], place) == b"text"
    assert len(sealed) == 12 + 4 + 16


def test_names_are_found_by_key_and_store():
    names = [cipher().lookup("spk1"), cipher().lookup("spk2")]
    names += [cipher(key=os.urandom(32)).lookup("spk1"), cipher(salt=os.urandom(32)).lookup("spk1")]
    assert len(set(names)) == 4
    assert cipher().lookup("spk1") == names[0]


def test_no_nonce_comes_twice():
    sealed = [cipher().seal("the same", PLACE) for _ in range(1_000)]
    assert len({each[:12] for each in sealed}) == len(set(sealed)) == 1_000


def test_every_bit_and_every_cut_is_noticed():
    data = np.random.default_rng(0).bytes(40)
    sealed = cipher().seal(data, PLACE)
    for position in range(len(sealed)):
        for bit in range(8):
            other = bytearray(sealed)
            other[position] ^= 1 << bit
            with pytest.raises(DamagedError):
                cipher().open_bytes(bytes(other), PLACE)
        with pytest.raises(DamagedError):
            cipher().open_bytes(sealed[:position], PLACE)
    for other in (sealed + b"\0", b"", "text", None, 7):
        with pytest.raises(DamagedError):
            cipher().open_bytes(other, PLACE)


@pytest.mark.parametrize(
    "place",
    [
        Place("name", "ab" * 16, 7),
        Place("path", "ab" * 16, 8),
        Place("path", "ab" * 16),
        Place("path", "cd" * 16, 7),
    ],
)
def test_no_other_place_opens_it(place):
    sealed = cipher().seal("/audio/a.wav", PLACE)
    with pytest.raises(DamagedError) as caught:
        cipher().open_text(sealed, place)
    assert caught.value.place == place


@given(
    st.lists(
        st.builds(Place, st.sampled_from(["name", "path"]), TEXT, st.integers(0, 99)),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_no_two_places_are_the_same_bytes(places):
    assert places[0].to_bytes() != places[1].to_bytes()


@pytest.mark.parametrize("other", [cipher(key=bytes(range(1, 33))), cipher(salt=bytes(32))])
def test_no_other_key_or_store_opens_it(other):
    with pytest.raises(DamagedError):
        other.open_text(cipher().seal("text", PLACE), PLACE)


def test_no_error_and_no_word_of_it_shows_the_key():
    shown = [repr(cipher()), str(cipher())]
    try:
        cipher().open_text(b"0" * 40, PLACE)
    except DamagedError as error:
        shown += [repr(error), str(error)]
    assert len(shown) == 4
    assert not any(KEY.hex() in each or repr(KEY)[2:-1] in each for each in shown)


WITHOUT = """
import sys
sys.modules["cryptography"] = sys.modules["keyring"] = None
from speakertrip.enrollment import SpeakerStore, make_key, read_key
from speakertrip.errors import UsageError
assert SpeakerStore(sys.argv[1]).names() == []
for call in (lambda: SpeakerStore(sys.argv[1], bytes(range(32))).audit.switch(True), lambda: read_key("keyring:a")):
    try:
        call()
    except UsageError as error:
        print(error)
"""


def test_without_the_extra_one_sentence_names_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path / "speakers.sqlite"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "An encrypted store needs cryptography: install the encryption extra, speakertrip[encryption].",
        "The system's keyring needs keyring: install the encryption extra, speakertrip[encryption].",
    ]
    assert list(tmp_path.iterdir()) == []
