"""Unpack the files that are asked for, and no others, from .zip and .tar archives."""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from potbench.downloads.disk_space import FULL, require_room
from potbench.downloads.tar_member import TarMember
from potbench.errors import ArchiveError, DataFileError
from potbench.whole_file import whole_file

DAMAGE = (
    *(OSError, EOFError, ValueError, LookupError, RuntimeError, MemoryError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)
"""What tarfile and zipfile raise for a damaged archive; for encryption or an unknown compression, RuntimeError."""


class Member(NamedTuple):
    """Member of an archive.

    Attributes:
        path: path within the archive.
        size: size in bytes.
        open: opens it for reading; None for a folder, a link or a device.
    """

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]] | None


def is_archive(file: Path) -> bool:
    """Return whether a file is an archive of files; .npz files are arrays, though zipped."""
    return file.suffix != ".npz" and (zipfile.is_zipfile(file) or tarfile.is_tarfile(file))


def unpack(archive: Path, folder: Path, names: Mapping[str, str]) -> None:
    """Unpack files from a .zip or .tar archive, compressed or not; they get their names when all are unpacked.

    The paths in the archive never decide where a file is written. Of several that end alike, the highest is meant, as
    in a folder.

    Args:
        archive: the archive.
        folder: folder the files are unpacked to.
        names: end of a path in the archive → name in the folder.

    Raises:
        ArchiveError: the archive is truncated or damaged, or lacks a file, or has two of them that are equally high, or
            in its place a link, a device or a path that leads out of the archive.
        DataFileError: the files do not fit on the disk.
        OSError: the disk is full.
    """
    from rich.progress import wrap_file

    found: dict[str, tuple[PurePosixPath, Path]] = {}
    try:
        with (
            archive.open("rb") as raw,
            wrap_file(raw, archive.stat().st_size, description=f"Unpacking {archive.name}", transient=True) as stream,
            ExitStack() as unpacked,
        ):
            for member in _members(stream):
                end = next((end for end in names if f"/{member.path}".endswith(f"/{end}")), None)
                if end is None:
                    continue
                before, file = found.get(end) or (None, unpacked.enter_context(whole_file(folder / names[end])))
                if before is not None and len(before.parts) < len(member.path.parts):
                    continue
                if before is not None and len(before.parts) == len(member.path.parts):
                    raise ArchiveError(
                        f"{archive} holds {before} and {member.path}. Expected one file {end}; unpack it, and choose "
                        "the folder of one."
                    )
                _write(member, archive, file, names[end])
                found[end] = member.path, file
            missing = [end for end in names if end not in found]
            if missing:
                raise ArchiveError(
                    f"{archive} holds no {', '.join(missing)}. It is truncated, or another archive than expected; "
                    "fetch it again, or unpack it and choose its folder if its files have other names."
                )
    except DAMAGE as error:
        if isinstance(error, DataFileError) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ArchiveError(
            f"{archive} cannot be unpacked ({why}). Expected a whole .zip or .tar archive; fetch it again."
        ) from error


def _members(stream: IO[bytes]) -> Iterator[Member]:
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as packed:
            for info in packed.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                is_file = not info.is_dir() and kind in {0, stat.S_IFREG}
                yield Member(
                    PurePosixPath(info.filename), info.file_size, partial(packed.open, info) if is_file else None
                )
        return
    stream.seek(0)
    with tarfile.open(fileobj=stream, tarinfo=TarMember) as tarred:
        for entry in tarred:
            open_file = partial(tarred.extractfile, entry) if entry.isreg() else None
            yield Member(PurePosixPath(entry.name), entry.size, open_file)  # type: ignore[arg-type]


def _write(member: Member, archive: Path, file: Path, name: str) -> None:
    if member.open is None or member.path.is_absolute() or ".." in member.path.parts:
        raise ArchiveError(
            f"{archive} holds {member.path}, which is a link, a device or a path that leads out of it. Expected a "
            "plain file; nothing was unpacked. Fetch the archive from its publisher."
        )
    require_room(file.parent, member.size, name)
    with member.open() as contents, file.open("wb") as copy:
        shutil.copyfileobj(contents, copy, 2**20)
