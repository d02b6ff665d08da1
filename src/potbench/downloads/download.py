"""Download files: resume where a transfer broke off, try mirrors in turn, verify before a file gets its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from rich import get_console

from potbench.downloads.address import Download
from potbench.downloads.archive import unpack
from potbench.downloads.checksums import Checksums
from potbench.downloads.disk_space import full_disk_in_words
from potbench.errors import ArchiveError, DataFileError


def fetch(download: Download, folder: Path, again: bool = False) -> None:
    """Download a file, or an archive and unpack its members, into a folder.

    A file that exists is verified and not downloaded again. A file gets its name when it is complete and verified;
    until then it is FILE.partial, which the next call resumes, even after this process was killed. Where no checksum is
    published, the sha256 of the first download is recorded in checksums.json, and later downloads must agree with it.
    An archive is left beside its members, since other options may need others of them.

    Args:
        download: what to download.
        folder: where to.
        again: download it even where it is there, and forget the checksums that are recorded of it.

    Raises:
        DataFileError: no mirror provides the file, a file differs from the published one, an archive is damaged, or the
            disk is full.
    """
    with alone_in(folder):
        file, checksums = folder / download.file, Checksums(folder)
        again = again and bool(download.urls)
        if again:
            for name in (file.name, *dict(download.members).values()):
                checksums.forget(name)
        missing = {end: name for end, name in download.members if again or not (folder / name).is_file()}
        if download.members and not missing:
            return
        is_new = again or not file.is_file()
        if is_new:
            _try_mirrors(download, file, checksums)
        elif wrong := _wrong_size(file, download) or checksums.verify(file, file.name, download.checksum):
            raise DataFileError(
                f"{file} {wrong}. Expected the published file; tell `python -m potbench data prepare` to fetch it "
                "again."
            )
        if not missing:
            return
        try:
            unpack(file, folder, missing)
        except ArchiveError:
            # the next call would take it for undamaged
            if is_new and not download.checksum:
                file.unlink()
                checksums.forget(file.name)
            raise
        for name in missing.values():
            checksums.record_member(folder / name, file.name, download.checksum)


def say(text: str) -> None:
    """Print a line above the progress bar."""
    get_console().print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time write to a folder; raise DataFileError when its disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"Another process writes to {folder}; waiting for it.")
        lock.acquire()
    try:
        # what a killed process left of a file that it copied or unpacked
        for left in folder.glob(f"*.{'[0-9a-f]' * 8}.partial"):
            left.unlink()
        with full_disk_in_words(folder):
            yield
    finally:
        lock.release()


def _try_mirrors(download: Download, file: Path, checksums: Checksums) -> None:
    if not download.urls:
        raise DataFileError(
            f"{file} has no address that a program may fetch it from. Get it from its publisher, whom "
            "`python -m potbench data list` names, then prepare the dataset from that file."
        )
    # requests and pooch take half a second, which what is here already need not wait for
    from potbench.downloads.partial_file import PartialFile, TransferError

    failures: list[str] = []
    for url in download.urls:
        if failures:
            say(f"{failures[-1]}. Trying {url}.")
        partial = PartialFile(file, url, download.size)
        try:
            partial.complete()
        except TransferError as error:
            failures.append(f"{url}: {error}")
            continue
        wrong = _wrong_size(partial.path, download) or checksums.verify(partial.path, file.name, download.checksum)
        if not wrong:
            partial.finish()
            found = checksums.find(file.name)
            if found and not found.published:
                unverified = "not verified against a published checksum, there is none"
                say(f"{file.name}: {unverified}; its sha256 is {found.sha256}.")
            return
        partial.remove()
        failures.append(f"{url}: the file {wrong}")
    raise DataFileError(
        f"{file} could not be downloaded: {'; '.join(failures)}. Expected the published file. Try again later, which "
        "resumes the download; or get the file in another way, and prepare the dataset from it."
    )


def _wrong_size(file: Path, download: Download) -> str | None:
    """Return what is wrong with the size of a file, as the end of a sentence about it; None where nothing is."""
    size = file.stat().st_size
    return f"has {size:,} bytes, but {download.size:,} are published" if download.size not in {None, size} else None
