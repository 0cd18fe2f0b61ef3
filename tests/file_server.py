"""A local HTTP server whose files break off, move, or do without ranges, as a test wants it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    body: bytes = b""
    etag: str = '"v1"'  # empty: none is sent
    modified: str = ""
    ranges: bool = True
    length: bool | str = True  # whether the length is stated, or what is stated in its place
    cuts: list[int] = field(default_factory=list)  # bytes after which each answer breaks off, in turn
    failures: list[int] = field(default_factory=list)  # statuses that come before, in turn
    location: str = ""  # of a redirect
    shift: int = 0  # how far beside the wanted range the answer begins


class FileServer:
    def __init__(self, base: str) -> None:
        self.base = base
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, str | None]] = []  # path, Range

    def add(self, name: str, body: bytes = b"", **options) -> str:
        self.files[f"/{name}"] = Served(body, **options)
        return f"{self.base}/{name}"


@contextmanager
def serve_files() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, self.headers["Range"]))
            file = served.files.get(self.path)
            if file is None:
                self.send_error(404)
            elif file.failures:
                self.send_error(file.failures.pop(0))
            elif file.location:
                self.send_response(302)
                self.send_header("Location", file.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(file)

        def _send(self, file: Served) -> None:
            asked = self.headers["Range"] if file.ranges else None
            if asked and self.headers["If-Range"] not in (file.etag, file.modified):
                asked = None
            begin = int(asked[6:].partition("-")[0]) if asked else 0
            if asked and begin >= len(file.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(file.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            begin += file.shift if asked else 0
            body = file.body[begin:]
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {begin}-{len(file.body) - 1}/{len(file.body)}")
            for name, value in (("ETag", file.etag), ("Last-Modified", file.modified)):
                if value:
                    self.send_header(name, value)
            if file.length:
                self.send_header("Content-Length", file.length if file.length is not True else str(len(body)))
            self.end_headers()
            self.wfile.write(body[: file.cuts.pop(0)] if file.cuts else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = FileServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
