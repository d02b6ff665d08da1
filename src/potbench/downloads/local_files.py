"""Bring files that the user already has to where a dataset looks for them."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from potbench.downloads.address import Download
from potbench.downloads.archive import is_archive, unpack
from potbench.downloads.checksums import Checksums
from potbench.downloads.disk_space import require_room
from potbench.downloads.download import alone_in
from potbench.errors import DataFileError
from potbench.whole_file import whole_file

PACKED = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz"}
"""Endings of archives."""
FEW = 100
"""More files without published checksums are not listed in checksums.json one by one."""


def take(
    source: Path, folder: Path, downloads: Sequence[Download], others: Iterable[str] = (), again: bool = False
) -> dict[Path, Path]:
    """Link files into a folder, copy them from another disk, or unpack them from an archive.

    Args:
        source: a folder that holds the files, at any depth; an archive of them; or one of them.
        folder: folder of the dataset.
        downloads: the published files.
        others: names of other files that the dataset can read.
        again: whether files replace others that are there.

    Returns:
        File in the folder → where it was taken from, of those that are new and that nobody vouches for.

    Raises:
        DataFileError: a file is missing, differs from the published one, or differs from the one in the folder.
    """
    published = {download.file: download.checksum for download in downloads if not download.members}
    members = {end: name for download in downloads for end, name in download.members}
    archives = {download.file: download.checksum for download in downloads if download.members}
    names = list(dict.fromkeys([*others, *published, *members.values()]))
    found, packed = _look(source, names, list(archives))
    checksums = Checksums(folder)
    # files that nobody publishes may be many: the store has their checksums
    alone = set(others) - set(published) if len(found) > FEW else set()
    taken: dict[Path, Path] = {}
    with alone_in(folder):
        for name, file in found.items():
            target, checksum = folder / name, published.get(name)
            if checksum:
                _require_right(file, checksums.verify(file, name, checksum))
            is_new = _link(file, target, again)
            if is_new and not checksum:
                taken[target] = file
                checksums.forget(name)
            if not checksum and name not in alone:
                _require_right(target, checksums.verify(target, name, None))
        for name, file in packed.items():
            checksum = archives.get(name)
            if checksum:
                _require_right(file, checksums.verify(file, name, checksum))
            # an unpublished archive may hold files that are published one by one
            wanted = members or {name: name for name in published}
            missing = {end: name for end, name in wanted.items() if again or not (folder / name).is_file()}
            unpack(file, folder, missing)
            for member in missing.values():
                checksums.forget(member)
                if member in published:
                    _require_right(folder / member, checksums.verify(folder / member, member, published[member]), file)
                else:
                    checksums.record_member(folder / member, name, checksum)
    return taken


def give_back(taken: Iterable[Path]) -> None:
    """Remove files that turned out to be others than they were taken for, so that the right ones can take their place.

    Args:
        taken: files that `take` returned.
    """
    for file in taken:
        file.unlink(missing_ok=True)
        Checksums(file.parent).forget(file.name)


def _look(source: Path, names: list[str], archives: list[str]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return name in the folder → file, of plain files and of archives."""
    if source.is_dir():
        found = _find(source, names)
        packed = {} if found else _find(source, archives)
    elif source.name in names or (source.is_file() and not is_archive(source)):
        # any name will do where only one file can be meant
        found, packed = {names[0] if len(names) == 1 else source.name: source}, {}
    else:
        found, packed = {}, {source.name: source}
    if not source.exists() or not set(found) <= set(names) or not (found or packed):
        state = "is no file of the dataset and holds none" if source.exists() else "does not exist"
        if source.is_file() and source.suffix in PACKED:
            state = "cannot be read as an archive: it is truncated or damaged"
        raise DataFileError(
            f"{source} {state}. Expected one of {', '.join(names)}, or a folder or archive of them; change this path."
        )
    return found, packed


def _find(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return name → the file of this name that lies highest in a folder."""
    places: dict[str, list[Path]] = {name: [] for name in names}
    for file in folder.rglob("*"):
        if file.name in places and file.is_file():
            places[file.name].append(file)
    found: dict[str, Path] = {}
    for name, unsorted in places.items():
        files = sorted(unsorted, key=lambda file: (len(file.parts), file))
        if len(files) > 1 and len(files[0].parts) == len(files[1].parts):
            raise DataFileError(
                f"{files[0]} and {files[1]} have the same name. Expected one file of it; choose the folder of one."
            )
        if files:
            found[name] = files[0]
    return found


def _require_right(file: Path, wrong: str | None, archive: Path | None = None) -> None:
    if wrong and archive:
        file.unlink()
        raise DataFileError(f"{file.name} in {archive} {wrong}. Expected the published file; use another archive.")
    if wrong:
        raise DataFileError(
            f"{file} {wrong}. Expected the published file. To use this one all the same, leave it where it is and set "
            "the dataset's argument folder to its folder."
        )


def _link(file: Path, target: Path, again: bool) -> bool:
    """Return whether the file is there now, and was not before."""
    if target.exists():
        if target.samefile(file) or filecmp.cmp(file, target, shallow=False):
            return False
        if not again:
            raise DataFileError(f"{target} exists already and differs from {file}. Expected one file; delete one.")
    else:
        try:
            os.link(file.resolve(), target)
        except OSError:  # on another disk, or one without hard links
            pass
        else:
            return True
    require_room(target.parent, file.stat().st_size, target.name)
    with whole_file(target) as partial:
        shutil.copy2(file, partial)
    return True
