"""Archives in memory, good ones and others."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping


def tar(files: Mapping[str, bytes], mode: str = "gz", others: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A .tar archive.

    Args:
        files: path → content.
        mode: gz, bz2, xz, or nothing.
        others: entries that are no files.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{mode}") as archive:
        for entry in others:
            archive.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def entry(path: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry of a .tar archive that is no file.

    Args:
        path: its path.
        kind: such as tarfile.SYMTYPE.
        target: of a link.
    """
    found = tarfile.TarInfo(path)
    found.type, found.linkname = kind, target
    return found


def zipped(files: Mapping[str, bytes], link: str | None = None) -> bytes:
    """A .zip archive.

    Args:
        files: path → content.
        link: which of the files is a symbolic link.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o120777 if path == link else 0o100644) << 16
            archive.writestr(info, content)
    return stream.getvalue()
