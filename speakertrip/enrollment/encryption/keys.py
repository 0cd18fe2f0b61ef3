"""Keys of encrypted stores: made, read from a file, the environment or the system's keyring, and checked."""

import base64
import os
import re
import stat
import warnings
from pathlib import Path

from speakertrip.enrollment.encryption import keyrings
from speakertrip.errors import SpeakertripWarning, StorageError, StoreError

KEY_BYTES = 32
ENVIRONMENT = "SPEAKERTRIP_KEY"
IN_KEYRING = "keyring:"
LONGEST_FILE = 1_000  # bytes
FORMS = "a key is 32 random bytes, as they are or as 64 hexadecimal digits or base64"
MAKE = "make one by speakertrip speakers key"


def make_key(target: str) -> None:
    """Make a key and keep it, as hexadecimal text, where there is none yet.

    Args:
        target: a file, which is made for its owner alone, or ``keyring:NAME``.

    Raises:
        StoreError: there is something already.
        StorageError: the file cannot be written.
        UsageError: there is no keyring, or the package keyring is not installed.
    """
    text = os.urandom(KEY_BYTES).hex()
    if target.startswith(IN_KEYRING):
        name = target.removeprefix(IN_KEYRING)
        if keyrings.get(name) is not None:
            raise StoreError(f"The keyring holds a key {name} already; a key is never overwritten.")
        keyrings.put(name, text)
        return
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii", newline="\n") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(descriptor)
    except FileExistsError:
        raise StoreError(f"{target} is there already; a key is never overwritten.") from None
    except OSError as error:
        raise StorageError(f"Cannot write the key file {target}: {error.strerror}.") from None


def read_key(source: str | None = None) -> bytes | None:
    """Return the key that a file, the keyring or the environment holds.

    Args:
        source: a file, or ``keyring:NAME``; None: the environment variable ``SPEAKERTRIP_KEY``.

    Returns:
        32 bytes; None: there is no source, and no such variable.

    Raises:
        StoreError: there is no key, or what is there is none.
        UsageError: there is no keyring, or the package keyring is not installed.

    Warns:
        SpeakertripWarning: others may read the file.
    """
    if source is None:
        text = os.environ.get(ENVIRONMENT)
        return _decode(text.encode(errors="surrogateescape"), ENVIRONMENT) if text else None
    if source.startswith(IN_KEYRING):
        name = source.removeprefix(IN_KEYRING)
        kept = keyrings.get(name)
        if kept is None:
            raise StoreError(f"The keyring holds no key {name}; {MAKE}.")
        return _decode(kept.encode(), f"The keyring's {name}")
    return _decode(_read_file(source), source)


def check_key(key: bytes, where: str = "The key") -> bytes:
    """Return a key if it can be one; it is not shown if it cannot.

    Raises:
        StoreError: it is not of 32 bytes, or plainly not random: text, or few different bytes.
    """
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise StoreError(f"{where} is no key: {FORMS}; {MAKE}.")
    # Of 32 random bytes, all are printable ASCII once in 10^13 times, and fewer than 16 differ once in 10^16.
    if all(0x20 <= byte < 0x7F for byte in key) or len(set(key)) < KEY_BYTES // 2:
        raise StoreError(f"{where} is no random key but a text or a pattern, which can be guessed; {MAKE}.")
    return key


def _read_file(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(LONGEST_FILE)
    except (OSError, ValueError) as error:
        if len(_from_text(os.fsencode(file))) == KEY_BYTES:  # it must not be shown
            raise StoreError(f"This is a key, not a file that holds one; give it by {ENVIRONMENT}.") from None
        reason = getattr(error, "strerror", None) or "this is no name of a file"
        raise StoreError(f"Cannot read the key file {file}: {reason}.") from None
    if os.name == "posix" and stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"The key file {file} is open to others (mode {stat.S_IMODE(mode):o}); close it by chmod 600."
        warnings.warn(text, SpeakertripWarning, stacklevel=3)
    return data


def _decode(data: bytes, where: str) -> bytes:
    return check_key(data if len(data) == KEY_BYTES else _from_text(data), where)


def _from_text(data: bytes) -> bytes:
    """Return what hexadecimal digits or base64, of either alphabet, padded or not, stand for; b"": they are neither."""
    text = data.strip()
    try:
        if re.fullmatch(rb"[0-9a-fA-F]{64}", text):
            return bytes.fromhex(text.decode())
        standard = text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except ValueError:
        return b""
