"""A local HTTP server that answers as the hub of huggingface_hub does: what a model consists of, and its files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class HubModel:
    revisions: dict[str, dict[str, bytes]]  # the files of each commit, 40 hexadecimal digits
    branches: dict[str, str]  # the commit of each branch
    token: str = ""  # that is needed to know of it
    gated: bool = False  # its files are refused
    large: bool = False  # its files are elsewhere, as those in LFS
    missing: set[str] = field(default_factory=set)  # files that are listed but not there


class HubServer:
    def __init__(self, base: str) -> None:
        self.base = base
        self.elsewhere = base.replace("127.0.0.1", "localhost")  # another host, as the client sees it
        self.models: dict[str, HubModel] = {}
        self.requests: list[str] = []  # method and path
        self.failure = 0  # a status that answers everything
        self.answers: int | None = None  # so many more, then every connection drops

    def add(self, name: str, files: dict[str, bytes], commit: str = "a" * 40, **options) -> HubModel:
        self.models[name] = HubModel({commit: files}, {"main": commit}, **options)
        return self.models[name]

    def downloads(self) -> list[str]:
        """The names of the files whose content was asked for."""
        return [request.rsplit("/", 1)[1] for request in self.requests if request.startswith("GET /") and
                ("/resolve/" in request or "/cdn/" in request)]  # fmt: skip


@contextmanager
def serve_hub() -> Iterator[HubServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).strip("/")
            hub.requests.append(f"{self.command} /{path}")
            parts = path.split("/")
            if hub.answers == 0:
                self.close_connection = True
                return
            hub.answers = hub.answers and hub.answers - 1
            if hub.failure:
                self._refuse(hub.failure, "")
            elif parts[0] == "cdn":
                model, commit = hub.models["/".join(parts[1:3])], parts[3]
                self._send(model.revisions[commit][parts[4]])
            elif parts[:2] == ["api", "models"]:
                self._answer("/".join(parts[2:4]), (parts[5:] or ["main"])[0], None)
            elif parts[2:3] == ["resolve"]:
                self._answer("/".join(parts[:2]), parts[3], parts[4])
            else:
                self._refuse(404, "")

        def _answer(self, name: str, revision: str, file: str | None) -> None:
            model = hub.models.get(name)
            if model is None or (model.token and self.headers["Authorization"] != f"Bearer {model.token}"):
                return self._refuse(401, "RepoNotFound")
            commit = model.branches.get(revision, revision)
            if commit not in model.revisions:
                return self._refuse(404, "RevisionNotFound")
            files = model.revisions[commit]
            if file is None:
                siblings = [{"rfilename": each} for each in files]
                return self._send(json.dumps({"id": name, "sha": commit, "siblings": siblings}).encode())
            if model.gated:
                return self._refuse(403, "GatedRepo")
            if file not in files or file in model.missing:
                return self._refuse(404, "EntryNotFound", {"X-Repo-Commit": commit})
            etag = f'"{hashlib.sha256(files[file]).hexdigest()}"'
            headers = {"X-Repo-Commit": commit, "ETag": etag}
            if not model.large:
                return self._send(files[file], headers)
            size = str(len(files[file]))
            self._send(b"", {**headers, "Location": f"{hub.elsewhere}/cdn/{name}/{commit}/{file}",
                             "X-Linked-Etag": etag, "X-Linked-Size": size}, 302)  # fmt: skip
            return None

        def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
            self._send(b"", {**(headers or {}), **({"X-Error-Code": code} if code else {})}, status)

        def _send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hub = HubServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
