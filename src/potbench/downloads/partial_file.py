"""A file whose download is resumed until it is complete, by pooch."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pooch
import requests
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from potbench import __version__
from potbench.downloads.disk_space import require_room

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each further attempt, after one that brought nothing."""
TIMEOUT = (15.0, 60.0)
"""Seconds to connect, and to wait for the next chunk."""
CHUNK_BYTES = 2**16
PASSING = {408, 416, 429, 500, 502, 503, 504}
"""Status codes after which another attempt may succeed."""
HEADERS = {
    # figshare turns away programs that do not call themselves a browser
    "User-Agent": f"Mozilla/5.0 (compatible; potbench/{__version__})",
    # only the bytes of the file itself can be counted, continued and verified
    "Accept-Encoding": "identity",
}
CONTENT_RANGE = re.compile(r"bytes (?P<start>\d+)-\d+/(?P<total>\d+|\*)")
COLUMNS = (
    *(TextColumn("{task.description}"), BarColumn(), DownloadColumn()),
    *(TransferSpeedColumn(), TimeRemainingColumn()),
)


class TransferError(Exception):
    """A transfer failed; the message says why."""


class PartialFile:
    """FILE.partial, the part of a file downloaded so far, and FILE.partial.json, which file that is.

    pooch's downloader writes to it as to any file, after requests has passed it the server's response.

    Args:
        file: the complete file.
        url: its address.
        size: published size in bytes, or None.
    """

    def __init__(self, file: Path, url: str, size: int | None = None) -> None:
        self.file = file
        self.path = file.with_name(f"{file.name}.partial")
        self.facts = file.with_name(f"{file.name}.partial.json")
        self.url = url
        self.size = size
        self.progress = Progress(*COLUMNS)
        self.task = self.progress.add_task(file.name, total=size)

    @property
    def length(self) -> int:
        """Number of bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def complete(self) -> None:
        """Download the rest; where the connection breaks, resume, until attempts bring nothing.

        Raises:
            TransferError: the server refuses, sends something else, or cannot be reached.
            DataFileError: the file does not fit on the disk.
        """
        in_vain = 0
        with self.progress:
            while not self.length or self.length != self._known().get("total"):
                before = self.length
                try:
                    self._resume()
                    return
                except requests.RequestException as error:
                    in_vain = 0 if self.length > before else in_vain + 1
                    if in_vain > len(PAUSES) or not _passes(error):
                        if not self.length:
                            self.remove()
                        raise TransferError(_reason(error)) from error
                    then = f"resuming at {decimal(self.length)}" if self.length else "trying again"
                    self._say(f"{_reason(error)}; {then}")
                    time.sleep(PAUSES[max(in_vain, 1) - 1])

    def finish(self) -> None:
        """Rename the partial file to the complete one."""
        self.path.replace(self.file)
        self.remove()

    def remove(self) -> None:
        """Delete the partial file."""
        self.path.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)

    def respond(self, response: requests.Response, **_: object) -> None:
        """Find out where the bytes of a response belong; raise RequestException where they are not of this file."""
        if response.is_redirect:
            return
        # a .gz file must not be decompressed during the transfer
        response.raw.headers.pop("Content-Encoding", None)
        total = self._continues(response) if response.status_code == 206 else self._begins(response)
        require_room(self.path.parent, (total or self.size or 0) - self.length, self.file.name)
        self.progress.update(self.task, completed=self.length, total=total or self.size)

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self.stream.write(chunk)
        self.progress.advance(self.task, len(chunk))

    def flush(self) -> None:
        """Flush the file."""
        self.stream.flush()

    def _resume(self) -> None:
        known, headers = self._known(), dict(HEADERS)
        if known and self.length:
            headers["Range"] = f"bytes={self.length}-"
            if known.get("version"):
                headers["If-Range"] = known["version"]
        with self.path.open("ab") as self.stream:
            hooks = {"response": self.respond}
            download = pooch.HTTPDownloader(chunk_size=CHUNK_BYTES, timeout=TIMEOUT, headers=headers, hooks=hooks)
            download(self.url, self, None)

    def _continues(self, response: requests.Response) -> int | None:
        known = self._known()
        part = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        total: int | None = known.get("total")
        same_size = part and (total is None or part["total"] in {"*", str(total)})
        same_version = _version(response) in {None, known.get("version")}
        if not (part and int(part["start"]) == self.length and same_size and same_version):
            self.stream.truncate(0)
            raise requests.ConnectionError("the file on the server has changed")
        return total

    def _begins(self, response: requests.Response) -> int | None:
        if response.status_code == 416:
            self.stream.truncate(0)
        response.raise_for_status()
        if response.status_code != 200 or response.headers.get("Content-Length") == "0":
            raise requests.RequestException(f"{response.status_code} {response.reason}, without a file")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise requests.RequestException("a web page came in place of the file")
        if self.length:
            self._say(f"the server cannot resume at {decimal(self.length)}; starting again")
        self.stream.truncate(0)
        total = int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        self.facts.write_text(json.dumps({"url": self.url, "version": _version(response), "total": total}))
        return total

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self.facts.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) and known.get("url") == self.url else {}

    def _say(self, text: str) -> None:
        self.progress.console.print(f"{self.file.name}: {text}.", markup=False, highlight=False, soft_wrap=True)


def _version(response: requests.Response) -> str | None:
    # a weak ETag also stands for files that differ in their bytes
    etag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified") if etag.startswith("W/") else etag


def _passes(error: requests.RequestException) -> bool:
    if error.response is not None:
        return error.response.status_code in PASSING
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    cause: BaseException = error
    while cause.__context__:
        cause = cause.__context__
    return str(cause)
