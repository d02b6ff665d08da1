"""Where a file comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A file on the net, and what becomes of it in the dataset's folder.

    Args:
        urls: the same file at several places, tried in turn.
        file: its name in the dataset's folder.
        checksum: as published, such as "md5:17fd6f…" or "sha256:3a6384…"; None where nobody published one.
        size: in bytes, as published, or None.
        members: of an archive, path inside it → name in the dataset's folder; empty where the file is used as it is.
    """

    urls: tuple[str, ...]
    file: str
    checksum: str | None = None
    size: int | None = None
    members: tuple[tuple[str, str], ...] = ()
