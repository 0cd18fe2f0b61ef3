"""Download a file over HTTP: resumed where it broke off, checked, and under its name only when it is whole."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Literal, TypeAlias
from urllib.error import HTTPError

from speakertrip.corpora.web import BrokenOffError, open_url
from speakertrip.errors import DataError, StorageError
from speakertrip.manifests.lines import FilePath

CHUNK = 1 << 20  # bytes
ATTEMPTS = 5  # in a row that bring nothing new
WAIT = 1.0  # seconds before the second attempt; doubled before each later one
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that another attempt may better

Progress: TypeAlias = Callable[[int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file's bytes must come to, in hexadecimal."""

    algorithm: Literal["md5", "sha256"]
    digest: str


def download(
    url: str, target: FilePath, checksum: Checksum | None = None, progress: Progress | None = None
) -> bool:
    """Download a file, unless it is there already.

    What has come so far lies beside it as ``<name>.part``, and the next call goes on from there where the server
    can (ETag or Last-Modified, Range, If-Range); else it begins anew. Redirects lead to http and https only, at
    most five. A file that was there is never replaced.

    Args:
        url: http or https.
        target: the file to write; its folder is created.
        checksum: as it is published; None: the length alone is checked.
        progress: called with (bytes that are there, bytes in all or None).

    Returns:
        Whether something was downloaded.

    Raises:
        DataError: the server cannot be reached or refuses, the transfer broke off, or the file is not the one
            that was published; what came is then kept as ``<name>.wrong``.
        StorageError: the file cannot be written.
    """
    target = Path(target)
    if target.exists():
        if checksum and (found := _digest(target, checksum.algorithm)) != checksum.digest:
            raise DataError(
                f"{target} is there, but is not the published file: its {checksum.algorithm} is {found}, not "
                f"{checksum.digest}; move it away to download it anew."
            )
        return False
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, part, progress)
        _check(part, target, url, checksum)
        part.replace(target)
        _tag_file(part).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write {target}: {error.strerror}.") from None
    return True


def _fetch_all(url: str, part: Path, progress: Progress | None) -> None:
    """Fetch until the file is whole; give up where attempts in a row bring nothing new."""
    failures, most = 0, _size(part)
    while True:
        try:
            _fetch(url, part, progress)
            return
        except BrokenOffError as error:
            failures = 0 if _size(part) > most else failures + 1
            most = max(most, _size(part))
            if failures == ATTEMPTS:
                raise DataError(
                    f"{url} broke off ({error}) with {_size(part):,} bytes in {part}; call again to go on."
                ) from None
        time.sleep(WAIT * 2**failures / 2)


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    have, tag = _size(part), _read_tag(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": "speakertrip"}
    if have and tag:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    try:
        with open_url(url, headers) as response:
            begin = _begin(response.headers) if response.status == 206 else 0
            if begin not in (0, have):
                raise BrokenOffError("the server answered with another range")
            total = None if response.length is None else begin + response.length
            with part.open("ab" if begin else "wb") as file:
                if not begin:  # the old bytes are gone by now: they never stand under a new tag
                    _write_tag(part, response.headers)
                done = _copy(response, file, begin, total, progress)
    except HTTPError as error:
        with error:
            if error.code == 416 and error.headers.get("Content-Range") == f"bytes */{have}":
                return  # nothing is left to fetch
            if error.code == 416:
                part.unlink()
            if error.code in PASSING | {416}:
                raise BrokenOffError(f"{error.code} {error.reason}") from None
            raise DataError(f"{url} cannot be downloaded: {error.code} {error.reason}.") from None
    if total is not None and done != total:
        raise BrokenOffError(f"{done:,} of {total:,} bytes")


def _copy(
    response: HTTPResponse, file: IO[bytes], done: int, total: int | None, progress: Progress | None
) -> int:
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, HTTPException) as error:
            raise BrokenOffError(str(error) or type(error).__name__) from None
        if not chunk:
            return done
        file.write(chunk)
        done += len(chunk)
        if progress:
            progress(done, total)


def _check(part: Path, target: Path, url: str, checksum: Checksum | None) -> None:
    if checksum is None or (found := _digest(part, checksum.algorithm)) == checksum.digest:
        return
    wrong = target.with_name(f"{target.name}.wrong")
    part.replace(wrong)
    _tag_file(part).unlink(missing_ok=True)
    raise DataError(
        f"{url} gave another file than the published one: its {checksum.algorithm} is {found}, not "
        f"{checksum.digest}; it is kept as {wrong}. Try again later, or ask the publisher."
    )


def _digest(path: Path, algorithm: str) -> str:
    state = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def _begin(headers: HTTPMessage) -> int:
    match = re.match(r"bytes (\d{1,18})-", headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _write_tag(part: Path, headers: HTTPMessage) -> None:
    """Keep what names this version of the file; a weak ETag does not name its bytes."""
    tag = headers.get("ETag", "")
    _tag_file(part).write_text(tag if tag.startswith('"') else headers.get("Last-Modified", ""))


def _read_tag(part: Path) -> str:
    return _tag_file(part).read_text().strip() if _tag_file(part).exists() else ""


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
