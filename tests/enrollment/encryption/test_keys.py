"""Keys: made, read, and refused without being shown."""

import base64
import os
import stat
import warnings

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail

from speakertrip.enrollment import make_key, read_key
from speakertrip.enrollment.encryption.keys import check_key
from speakertrip.errors import SpeakertripWarning, StorageError, StoreError, UsageError

KEY = bytes(range(200, 232))


class InMemory(KeyringBackend):
    priority = 1

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield keyring.get_keyring()
    keyring.set_keyring(before)


def test_a_key_that_is_made_is_read_and_private(tmp_path):
    keys = []
    for name in ("a", "b"):
        before = os.umask(0)
        try:
            make_key(str(tmp_path / name))
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        keys.append(read_key(str(tmp_path / name)))
    assert [len(key) for key in keys] == [32, 32]
    assert keys[0] != keys[1]


def test_a_key_is_never_overwritten(tmp_path, ring):
    for target in (str(tmp_path / "key"), "keyring:store"):
        make_key(target)
        kept = read_key(target)
        with pytest.raises(StoreError, match=r"already.*never overwritten"):
            make_key(target)
        assert read_key(target) == kept
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    with pytest.raises(StoreError, match="never overwritten"):
        make_key(str(tmp_path / "link"))
    with pytest.raises(StorageError, match="Cannot write the key file"):
        make_key(str(tmp_path / "absent" / "key"))


def test_the_keyring(ring):
    with pytest.raises(StoreError, match="holds no key store; make one by speakertrip speakers key"):
        read_key("keyring:store")
    make_key("keyring:store")
    ((place, text),) = ring.kept.items()
    assert place == ("speakertrip", "store")
    assert read_key("keyring:store").hex() == text
    ring.kept[place] = "no key"
    with pytest.raises(StoreError, match="The keyring's store is no key"):
        read_key("keyring:store")


def test_no_keyring_on_this_machine(ring):
    keyring.set_keyring(fail.Keyring())
    for call in (read_key, make_key):
        with pytest.raises(UsageError, match="keep the key in a file instead: ") as caught:
            call("keyring:store")
        assert ". " not in str(caught.value)


FORMS = {
    "raw": bytes,
    "hexadecimal": lambda key: key.hex().encode(),
    "upper": lambda key: key.hex().upper().encode() + b"\r\n",
    "base64": lambda key: base64.b64encode(key) + b"\n",
    "url": base64.urlsafe_b64encode,
    "unpadded": lambda key: base64.urlsafe_b64encode(key).rstrip(b"="),
}


@given(st.lists(st.integers(128, 255), min_size=32, max_size=32, unique=True).map(bytes))
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_key(scratch, form, key):
    file = scratch / form
    file.write_bytes(FORMS[form](key))
    file.chmod(0o600)
    assert read_key(str(file)) == key


def test_the_environment(monkeypatch):
    monkeypatch.delenv("SPEAKERTRIP_KEY", raising=False)
    assert read_key() is None
    monkeypatch.setenv("SPEAKERTRIP_KEY", "")
    assert read_key() is None
    for form in ("hexadecimal", "base64"):
        monkeypatch.setenv("SPEAKERTRIP_KEY", FORMS[form](KEY).decode())
        assert read_key() == KEY
    monkeypatch.setenv("SPEAKERTRIP_KEY", "secret words")
    with pytest.raises(StoreError, match="SPEAKERTRIP_KEY is no key") as caught:
        read_key()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no key: a key is 32 random bytes"),
        (KEY[:31], "is no key"),
        (KEY + b"\n", "is no key"),
        (KEY[:16].hex().encode() + b"\n", "is no key"),  # 128 bits
        (KEY[:16].hex().encode(), "is no random key"),  # which are 32 bytes
        (b"correct horse battery staple, or", "is no random key but a text"),
        (b"\0" * 32, "is no random key"),
        (b"ab" * 32, "is no random key"),
        (KEY.hex().encode() * 2, "is no key"),
        (b"x" * 100_000, "is no key"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(tmp_path, content, reason):
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(StoreError, match=reason) as caught:
        read_key(str(tmp_path / "key"))
    assert len(str(caught.value).splitlines()) == 1
    assert not content or content[:8].decode("latin-1") not in str(caught.value)


@pytest.mark.parametrize("key", ["text", KEY[:16], KEY * 2, bytearray(KEY), b"k" * 32])
def test_python_is_told_the_same(key):
    with pytest.raises(StoreError, match="The key is no"):
        check_key(key)


def test_files_that_cannot_be_read(tmp_path):
    for file in (tmp_path / "absent", tmp_path, "\0"):
        with pytest.raises(StoreError, match="Cannot read the key file"):
            read_key(str(file))


@pytest.mark.parametrize("form", ["hexadecimal", "base64", "unpadded"])
def test_a_key_that_is_given_for_a_file_is_not_shown(form):
    text = FORMS[form](KEY).decode()
    with pytest.raises(StoreError, match="give it by SPEAKERTRIP_KEY") as caught:
        read_key(text)
    assert text not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604, 0o620])
def test_a_file_that_is_open_to_others_is_warned_of(tmp_path, mode):
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(mode)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert read_key(str(tmp_path / "key")) == KEY
    assert [each.category for each in told] == ([SpeakertripWarning] if mode & 0o077 else [])
    assert all(f"mode {mode:o}" in str(each.message) for each in told)
