"""Open a URL by HTTP and nothing else."""

import string
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from speakertrip.errors import DataError

TIMEOUT = 60.0  # seconds without a byte
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HANDLERS = (ProxyHandler, HTTPHandler, HTTPSHandler, HTTPErrorProcessor, HTTPDefaultErrorHandler)


class BrokenOffError(Exception):
    """A transfer that another attempt may better."""


def open_url(url: str, headers: dict[str, str]) -> HTTPResponse:
    """Open a URL, and follow its redirects, at most five, to http and https only.

    Raises:
        HTTPError: the server refuses.
        BrokenOffError: it cannot be reached, or says nothing.
        DataError: the address or a redirect leads elsewhere.
    """
    place = url
    for _ in range(MOST_REDIRECTS + 1):
        try:
            return _open_once(place, headers)
        except HTTPError as error:
            location = error.headers.get("Location")
            if error.code not in REDIRECTS or not location:
                raise
            error.close()
        try:
            place = urljoin(place, quote(location, safe=string.punctuation, encoding="latin-1"))
        except ValueError as error:
            raise DataError(f"{url} cannot be downloaded: it redirects to {location} ({error}).") from None
    raise DataError(f"{url} cannot be downloaded: it redirects more than {MOST_REDIRECTS} times.")


def _open_once(url: str, headers: dict[str, str]) -> HTTPResponse:
    """Open a URL with handlers for HTTP alone: the usual ones would also read local files."""
    if url.partition("://")[0].lower() not in ("http", "https"):
        raise DataError(f"{url} cannot be downloaded: only http and https can.")
    opener = OpenerDirector()
    for handler in HANDLERS:
        opener.add_handler(handler())
    try:
        response: HTTPResponse = opener.open(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError:
        raise
    except ValueError as error:
        raise DataError(f"{url} cannot be downloaded: {error}.") from None
    except URLError as error:
        raise BrokenOffError(str(error.reason)) from None
    except (OSError, HTTPException) as error:
        raise BrokenOffError(str(error) or type(error).__name__) from None
    return response
