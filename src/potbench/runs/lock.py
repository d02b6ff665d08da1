"""The lock of a run folder, which belongs to one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from potbench.errors import RunError
from potbench.readers.typed_json import from_plain, to_json
from potbench.runs.folder import RunFolder
from potbench.runs.owner import Owner

STALE = 60.0
"""Seconds without a sign of life after which a process on another machine is taken to be gone."""


class _Holder(NamedTuple):
    owner: Owner | None  # None where the file is not readable
    beat: float  # time of its last sign of life


class RunLock:
    """The right of one process to write into a run folder.

    A process on the same machine holds its lock as long as it lives; one on another machine as long as the file is
    touched, which a thread does. A lock whose process is gone is taken over.

    Args:
        run: the folder.
        stale: seconds without a sign of life after which a process on another machine is taken to be gone.
    """

    def __init__(self, run: RunFolder, stale: float = STALE) -> None:
        self.run = run
        self.stale = stale
        self.owner = Owner.this()
        self._released = Event()
        self._is_lost = False

    def claim(self, wait: bool = False) -> None:
        """Take the folder, which is made where there is none; it belongs to this process until `release`.

        Args:
            wait: whether to wait for a process on another machine, until it shows that it lives or is taken to be gone.

        Raises:
            RunError: the folder belongs to another process.
        """
        self.run.create()
        ticket = self._beside("ticket")
        ticket.write_text(to_json(self.owner), encoding="utf-8")
        waited_for: _Holder | None = None
        try:
            while not self._placed(ticket):
                holder = _read(self.run.lock)
                if holder is None:  # released just now
                    continue
                ticket.touch()  # the clock of the file system: those of two machines differ
                silence = ticket.stat().st_mtime - holder.beat
                if self._is_gone(holder.owner, silence):
                    self._remove(holder.owner)
                    continue
                if not wait or self._is_here(holder.owner) or waited_for not in (None, holder):
                    raise self._refusal(holder.owner, silence)
                if waited_for is None:
                    print(f"{self._belongs_to(holder.owner)}. Waiting for a sign of life.", flush=True)
                waited_for = holder
                time.sleep(self.stale / 60)
        finally:
            ticket.unlink(missing_ok=True)
        Thread(target=self._show_life, daemon=True).start()

    def require(self) -> None:
        """Raise RunError where another process has taken the folder over."""
        if self._is_lost:
            raise RunError(
                f"{self.run.path} was taken over by another process, since this one showed no sign of life for "
                f"{self.stale:.0f} s. Expected a process that is not suspended. Leave the run to the other one."
            )

    def release(self) -> None:
        """Give the folder back; where nothing was written into it, it is removed."""
        self._released.set()
        if self._is_held():
            self.run.lock.unlink(missing_ok=True)
        self.run.discard()

    def _placed(self, ticket: Path) -> bool:
        """Place the lock, whole from the beginning; return whether it is there and this process's."""
        try:
            os.link(ticket, self.run.lock)
        except FileExistsError:
            return self._is_held()  # a network file system can say so of the link that it has just made
        except OSError:  # a file system without links
            with suppress(FileExistsError), self.run.lock.open("x", encoding="utf-8") as stream:
                stream.write(ticket.read_text(encoding="utf-8"))
                return True
            return False
        return True

    def _remove(self, owner: Owner | None) -> None:
        """Remove the lock of a process that is gone, but not one that another process has placed since."""
        aside = self._beside("gone")
        with suppress(FileNotFoundError):
            self.run.lock.rename(aside)
            found = _read(aside)
            if found and found.owner != owner:
                with suppress(FileExistsError):
                    os.link(aside, self.run.lock)
            aside.unlink()

    def _beside(self, name: str) -> Path:
        return self.run.lock.with_name(f"{self.run.lock.name}.{self.owner.claim}.{name}")

    def _is_here(self, owner: Owner | None) -> bool:
        return owner is not None and owner.machine == self.owner.machine

    def _is_gone(self, owner: Owner | None, silence: float) -> bool:
        if owner and owner.precedes(self.owner):
            return True
        if owner and self._is_here(owner):
            return not owner.is_running()
        return silence > self.stale

    def _is_held(self) -> bool:
        holder = _read(self.run.lock)
        return holder is not None and holder.owner == self.owner

    def _show_life(self) -> None:
        while not self._released.wait(self.stale / 6):
            with suppress(OSError):  # the next time may succeed
                holder = _read(self.run.lock)
                if holder and holder.owner != self.owner:
                    self._is_lost = True
                    return
                os.utime(self.run.lock)

    def _belongs_to(self, owner: Owner | None) -> str:
        process = f"process {owner.process} on {owner.host}" if owner else "another process"
        return f"{self.run.path} belongs to {process}"

    def _refusal(self, owner: Owner | None, silence: float) -> RunError:
        here = self._is_here(owner)
        life = "which is running" if here else f"which showed {silence:.0f} s ago that it lives"
        again = "" if here else f"; if it is gone, try again in {self.stale - silence:.0f} s"
        return RunError(
            f"{self._belongs_to(owner)}, {life}. Expected a folder that no other process writes. "
            f"Choose another folder, or stop that process{again}."
        )


def is_in_use(run: RunFolder, stale: float = STALE) -> bool:
    """Return whether a process that lives writes into a run folder.

    Args:
        run: the folder.
        stale: see `RunLock`.
    """
    holder = _read(run.lock)
    if holder is None:
        return False
    if holder.owner and holder.owner.machine == Owner.this().machine:
        return holder.owner.is_running()
    return time.time() - holder.beat <= stale


@contextmanager
def undisturbed(run: RunFolder) -> Iterator[None]:
    """Keep other processes of this machine from changing the record of a run at the same time.

    Args:
        run: the folder, which is made where there is none.
    """
    run.create()
    folder = os.open(run.path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read(file: Path) -> _Holder | None:
    try:
        # of a file that is opened, network file systems ask the server for its time of change
        with file.open("rb") as stream:
            text, beat = stream.read(), os.fstat(stream.fileno()).st_mtime
    except FileNotFoundError:
        return None
    try:
        return _Holder(from_plain(Owner, json.loads(text)), beat)
    except ValueError:
        return _Holder(None, beat)
