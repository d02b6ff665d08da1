"""The process that a run folder belongs to, and whether it lives."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """The process that a run folder belongs to.

    Args:
        host: name of its machine, for messages.
        machine: kernel and namespace within which the process has its number.
        process: its number.
        started: when it started, since numbers are given again; None where the system does not say.
        claim: tells this claim from all others.
        job: of SLURM, or None.
        restarts: how often SLURM has started this job again.
    """

    host: str
    machine: str
    process: int
    started: str | None
    claim: str
    job: str | None
    restarts: int

    @classmethod
    def this(cls) -> Owner:
        """Return this process."""
        return cls(
            host=platform.node(),
            machine=_machine(),
            process=os.getpid(),
            started=_started(os.getpid()),
            claim=uuid.uuid4().hex,
            job=os.environ.get("SLURM_JOB_ID"),
            restarts=int(os.environ.get("SLURM_RESTART_COUNT", 0)),
        )

    def is_running(self) -> bool:
        """Return whether the process lives; asked on its machine only."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # of another user
            pass
        return _started(self.process) in {None, self.started}

    def precedes(self, other: Owner) -> bool:
        """Return whether SLURM has started the job of this process again as that of another: then this one is gone."""
        return self.job is not None and self.job == other.job and self.restarts < other.restarts


def _machine() -> str:
    """Return what tells the processes of this machine, or of a container of its own, from those of all others."""
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{kernel} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _started(process: int) -> str | None:
    """Return when a process started; empty of one that has ended; None where the system does not say."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if state in {"Z", "X"} else fields[18]
