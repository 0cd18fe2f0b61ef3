"""The system's keyring. Needs keyring (the extra ``encryption``)."""

from speakertrip.errors import UsageError

SERVICE = "speakertrip"
ABSENT = "The system's keyring needs keyring: install the encryption extra, speakertrip[encryption]."


def get(name: str) -> str | None:
    """Return what the keyring keeps under a name for this program; None: nothing.

    Raises:
        UsageError: there is no keyring, it is locked, or the package is not installed.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise UsageError(ABSENT) from None
    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise _refused(error) from None


def put(name: str, text: str) -> None:
    """Keep a text under a name.

    Raises:
        UsageError: see ``get``.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise UsageError(ABSENT) from None
    try:
        keyring.set_password(SERVICE, name, text)
    except KeyringError as error:
        raise _refused(error) from None


def _refused(error: Exception) -> UsageError:
    reason = str(error).strip().partition(". ")[0].partition("\n")[0].rstrip(".") or type(error).__name__
    return UsageError(f"The system's keyring cannot be used, keep the key in a file instead: {reason}.")
