"""Checksums of a dataset's files: those that are published, or those of the first download."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from potbench.errors import DataFileError
from potbench.whole_file import write_text

RECORD = "checksums.json"
CHUNK_BYTES = 2**20


class Checksum(NamedTuple):
    """Checksum of a file.

    Attributes:
        sha256: sha256 of the file.
        published: published checksum that the file agrees with, such as "md5:17fd6f…"; None where none is published.
    """

    sha256: str
    published: str | None


class Checksums:
    """Checksums of the files in a folder, recorded in FOLDER/checksums.json.

    Args:
        folder: folder of the files.
    """

    def __init__(self, folder: Path) -> None:
        self.record = folder / RECORD

    def find(self, name: str) -> Checksum | None:
        """Return what is recorded of the file of this name."""
        return self._read().get(name)

    def verify(self, file: Path, name: str, published: str | None) -> str | None:
        """Compare a file with its published checksum, or with what is recorded under its name, and record it.

        Args:
            file: the file.
            name: its name in the folder.
            published: published checksum, such as "md5:17fd6f…"; None where none is published.

        Returns:
            What is wrong with the file, as the end of a sentence about it; None where nothing is.

        Raises:
            DataFileError: the record of checksums is damaged.
        """
        algorithm, _, expected = (published or "sha256:").partition(":")
        found = digests(file, {algorithm, "sha256"})
        before = self.find(name)
        if published and found[algorithm] != expected.lower():
            return f"has the {algorithm} {found[algorithm]}, but {expected} is published"
        if not published and before and before.sha256 != found["sha256"]:
            return f"has the sha256 {found['sha256']}, but {self.record} knows it as {before.sha256}"
        self._write({**self._read(), name: Checksum(found["sha256"], published)})
        return None

    def record_member(self, file: Path, archive: str, published: str | None) -> None:
        """Record a file from an archive, which the published checksum of the archive vouches for."""
        sha256 = digests(file, {"sha256"})["sha256"]
        self._write({**self._read(), file.name: Checksum(sha256, published and f"{published} of {archive}")})

    def forget(self, name: str) -> None:
        """Remove a file from the record."""
        self._write({known: checksum for known, checksum in self._read().items() if known != name})

    def _read(self) -> dict[str, Checksum]:
        if not self.record.is_file():
            return {}
        try:
            return {name: Checksum(**checksum) for name, checksum in json.loads(self.record.read_text()).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise DataFileError(
                f"{self.record} is damaged ({error}). Expected checksums of the files beside it; delete it."
            ) from error

    def _write(self, known: dict[str, Checksum]) -> None:
        text = json.dumps({name: checksum._asdict() for name, checksum in known.items()}, indent=2)
        write_text(self.record, f"{text}\n")


def digests(file: Path, algorithms: set[str]) -> dict[str, str]:
    """Return algorithm → digest of a file, which is read once."""
    hashes = {algorithm: hashlib.new(algorithm) for algorithm in algorithms}
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            for digest in hashes.values():
                digest.update(chunk)
    return {algorithm: digest.hexdigest() for algorithm, digest in hashes.items()}
