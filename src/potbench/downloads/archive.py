"""Archives: the files that are asked for are taken out of them, and nothing else."""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from potbench.downloads.disk_space import FULL, require_room
from potbench.errors import ArchiveError, DataFileError

DAMAGE = (
    *(OSError, EOFError, ValueError, LookupError, RuntimeError, MemoryError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)
"""What tarfile and zipfile raise on a damaged archive; of a locked one, or an unknown compression, RuntimeError."""


class Member(NamedTuple):
    """What an archive holds in one place.

    Attributes:
        path: within the archive.
        size: in bytes.
        open: opens it for reading; None for a folder, a link or a device.
    """

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]] | None


def is_archive(file: Path) -> bool:
    """Whether a file is an archive of files; .npz files are arrays, though zipped."""
    return file.suffix != ".npz" and (zipfile.is_zipfile(file) or tarfile.is_tarfile(file))


def unpack(archive: Path, folder: Path, names: Mapping[str, str]) -> None:
    """Take files out of a .zip or .tar archive, compressed or not; they appear by renames, when all are unpacked.

    Where something is written never depends on the paths in the archive.

    Args:
        archive: the archive.
        folder: where the files shall be.
        names: end of a path in the archive → name in the folder.

    Raises:
        ArchiveError: it is cut short or damaged, or has no such file, or a link, a device or a path that leads out of
            it in its place.
        DataFileError: the disk has no room.
        OSError: the disk is full.
    """
    from rich.progress import wrap_file

    unpacked: dict[str, Path] = {}
    try:
        with (
            archive.open("rb") as raw,
            wrap_file(raw, archive.stat().st_size, description=f"Unpacking {archive.name}", transient=True) as stream,
        ):
            for member in _members(stream):
                path = f"/{member.path}"
                end = next((end for end in names if path.endswith(f"/{end}") and end not in unpacked), None)
                if end is not None:
                    unpacked[end] = folder / f"{names[end]}.unpacking"
                    _write(member, archive, unpacked[end])
                if len(unpacked) == len(names):
                    break
        if missing := [end for end in names if end not in unpacked]:
            raise ArchiveError(
                f"{archive} holds no {', '.join(missing)}. It is cut short, or another archive than expected; "
                "fetch it again."
            )
        for end, file in unpacked.items():
            file.replace(folder / names[end])
    except DAMAGE as error:
        if isinstance(error, DataFileError) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ArchiveError(
            f"{archive} cannot be unpacked ({why}). Expected a whole .zip or .tar archive; fetch it again."
        ) from error
    finally:
        for file in unpacked.values():
            file.unlink(missing_ok=True)


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
    with tarfile.open(fileobj=stream) as tarred:
        for entry in tarred:
            open_file = partial(tarred.extractfile, entry) if entry.isreg() else None
            yield Member(PurePosixPath(entry.name), entry.size, open_file)  # type: ignore[arg-type]


def _write(member: Member, archive: Path, target: Path) -> None:
    if member.open is None or member.path.is_absolute() or ".." in member.path.parts:
        raise ArchiveError(
            f"{archive} holds {member.path}, which is a link, a device or a path that leads out of it. Expected a "
            "plain file; nothing was unpacked. Fetch the archive from its publisher."
        )
    require_room(target.parent, member.size, target.stem)
    with member.open() as contents, target.open("wb") as copy:
        shutil.copyfileobj(contents, copy, 2**20)
