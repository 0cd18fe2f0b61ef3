"""``speakertrip speakers key``, ``encrypt`` and ``decrypt``."""

from pathlib import Path

import click

from speakertrip.cli.options import json_option, print_json, store_options
from speakertrip.cli.stores import StoreOptions
from speakertrip.errors import UsageError


@click.command()
@click.argument("target", metavar="FILE")
def key(target: str) -> None:
    """Make a random key for a store and keep it in FILE, readable by you alone, or in the keyring as keyring:NAME.

    Nothing is overwritten. Keep a copy elsewhere: without its key, nobody reads an encrypted store.
    """
    from speakertrip.enrollment import make_key

    make_key(target)
    click.echo(f"{target}: a new key; keep a copy elsewhere, nobody reads the store without it")


@click.command()
@store_options
@json_option
def encrypt(store: StoreOptions, as_json: bool) -> None:
    """Encrypt a store in place: names, embeddings, paths and checksums; and erase what stood there in clear.

    An enrollment with a key makes an encrypted store at once. While another process reads the store as it was before,
    the bytes stay: the answer is then "erasure pending", and the next opening of the store erases them.
    """
    from speakertrip.enrollment import encrypt_store

    _say(store.file, True, encrypt_store(store.file, _key(store)), as_json)


@click.command()
@store_options
@json_option
def decrypt(store: StoreOptions, as_json: bool) -> None:
    """Let everything in an encrypted store stand in clear again."""
    from speakertrip.enrollment import decrypt_store

    _say(store.file, False, decrypt_store(store.file, _key(store)), as_json)


def _key(store: StoreOptions) -> bytes:
    found = store.key()
    if found is None:
        raise UsageError(
            "Which key? Name it by --key-file or SPEAKERTRIP_KEY; speakertrip speakers key makes one."
        )
    return found


def _say(file: Path, encrypted: bool, erased: bool, as_json: bool) -> None:
    if as_json:
        print_json({"store": str(file), "encrypted": encrypted, "erased": erased})
        return
    click.echo(f"{file}: {'encrypted' if encrypted else 'decrypted'}{'' if erased else ', erasure pending'}")
