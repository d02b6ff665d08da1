"""Where a file comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """File on the net, and its name in the dataset's folder.

    Args:
        urls: addresses of the same file, tried in turn.
        file: name in the dataset's folder.
        checksum: published checksum, such as "md5:17fd6f…" or "sha256:3a6384…"; None where none is published.
        size: published size in bytes, or None.
        members: for an archive, path inside it → name in the dataset's folder; empty for any other file.
    """

    urls: tuple[str, ...]
    file: str
    checksum: str | None = None
    size: int | None = None
    members: tuple[tuple[str, str], ...] = ()
