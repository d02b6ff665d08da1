"""As much of a Weights & Biases server as a run without artifacts needs, on this machine."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0" * 40


class WandbServer:
    """Accepts runs.

    Args:
        answers: whether requests are answered at all.
        closes_after: part of the path of a request, after which there is no server any more.

    Attributes:
        runs: identifier of each run that was started or continued.
        rows: history of all runs, as it was received.
        summary: last values, of all runs.
    """

    def __init__(self, answers: bool = True, closes_after: str | None = None) -> None:
        self.runs: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        released = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler) -> None:  # noqa: N805
                body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
                if handler.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if not answers:
                    released.wait()
                answer = json.dumps(self._answer(handler.path, body)).encode()
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(answer)))
                handler.end_headers()
                handler.wfile.write(answer)
                if closes_after and closes_after in handler.path:
                    threading.Thread(target=self.close).start()

            do_GET = do_PUT = do_POST  # noqa: N815

            def log_message(handler, *arguments: Any) -> None:  # noqa: N805
                pass

        self._released = released
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path.endswith("/file_stream"):
            files = json.loads(body).get("files") or {}
            self.rows += map(json.loads, files.get("wandb-history.jsonl", {}).get("content", []))
            for text in files.get("wandb-summary.json", {}).get("content", []):
                self.summary |= json.loads(text)
            return {}
        if not path.endswith("/graphql"):
            return {}
        asked = json.loads(body)
        query, variables = asked.get("query", ""), asked.get("variables") or {}
        if "upsertBucket" in query:
            self.runs.append(variables["name"])
            project = {"id": "cA==", "name": "potbench", "entity": {"id": "ZQ==", "name": "me"}}
            bucket = {"id": "aWQ=", "name": variables["name"], "displayName": "run", "config": "{}", "project": project}
            return {"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}}
        if "createRunFiles" in query:
            files = [{"name": name, "uploadUrl": f"{self.url}/upload/{name}"} for name in variables["files"]]
            return {"data": {"createRunFiles": {"runID": "aWQ=", "uploadHeaders": [], "files": files}}}
        if "viewer" in query:
            return {"data": {"viewer": {"id": "dQ==", "entity": "me", "username": "me", "teams": {"edges": []}}}}
        return {"data": {}}
