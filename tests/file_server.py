"""A real HTTP server on this machine, which can do wrong what real ones do wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """A file, and how it is served.

    Args:
        body: its bytes.
        breaks: of each further request, after how many bytes the connection breaks.
        statuses: what further requests are refused with.
        ranges: whether parts are served.
        version: ETag, or None.
        headers: more of them; None takes one away.
        asks_for_browser: whether programs are turned away, as figshare does.
        stalls_at: after how many bytes it sends nothing more until `FileServer.go_on`.
    """

    body: bytes
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    version: str | None = '"1"'
    headers: dict[str, str | None] = field(default_factory=dict)
    asks_for_browser: bool = False
    stalls_at: int | None = None


class FileServer:
    """Serves files by name.

    Attributes:
        files: name → file.
        requests: headers of each request so far, with its name.
        go_on: lets stalled answers end.
    """

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.go_on = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, name: str = "") -> str:
        """Where a file is."""
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def ranges(self) -> list[str | None]:
        """The part that each request asked for."""
        return [headers.get("Range") for _, headers in self.requests]

    def close(self) -> None:
        """End it."""
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave early are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FileServer

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        self.owner.requests.append((name, dict(self.headers)))
        served = self.owner.files.get(name)
        if served is None or served.statuses:
            return self.send_error(served.statuses.pop(0) if served else 404)
        if served.asks_for_browser and not self.headers["User-Agent"].startswith("Mozilla/5.0"):
            return self.send_error(403)
        start, status = 0, 200
        asked = self.headers["Range"]
        if asked and served.ranges and self.headers["If-Range"] in {None, served.version}:
            start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
        if start and start >= len(served.body):
            return self.send_error(416)
        self._answer(served, start, status)
        return None

    def _answer(self, served: Served, start: int, status: int) -> None:
        piece = served.body[start:]
        headers: dict[str, str | None] = {
            "Content-Length": str(len(piece)),
            "ETag": served.version,
            "Content-Range": f"bytes {start}-{len(served.body) - 1}/{len(served.body)}" if status == 206 else None,
            **served.headers,
        }
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if served.stalls_at is not None:
            self.wfile.write(piece[: served.stalls_at])
            self.wfile.flush()
            self.owner.go_on.wait(60)
            self.close_connection = True
            return
        end = served.breaks.pop(0) if served.breaks else len(piece)
        self.wfile.write(piece[:end])
        self.close_connection = end < len(piece) or "Content-Length" in served.headers

    def log_message(self, *_: object) -> None:
        pass
