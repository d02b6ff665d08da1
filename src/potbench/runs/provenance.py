"""Where a number comes from: versions, machine, commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import potbench

LIBRARIES = (
    *("torch", "lightning", "torchani", "schnetpack"),
    *("torchmetrics", "ase", "numpy", "h5py", "jsonargparse"),
)
EXTRAS = ("sgdml", "mace-torch", "graph-pes", "nequip", "e3nn")
"""Of these the version is recorded where they are installed."""


@dataclass(frozen=True)
class Machine:
    """What a number was computed on.

    Args:
        system: operating system.
        processor: model of the processor.
        cores: of the machine; None where the system does not say.
        threads: that torch used.
        accelerator: model of the GPU, or None.
        matrix_products: precision of products of float32 matrices, as torch names it: highest, or high and medium, by
            which a GPU computes in tf32 or less; None in early records.
    """

    system: str
    processor: str
    cores: int | None
    threads: int
    accelerator: str | None
    matrix_products: str | None = None


@dataclass(frozen=True)
class Provenance:
    """What a number was computed with.

    Args:
        versions: library → version.
        machine: what it was computed on.
        git_commit: see `git_commit`; in records of format 1 that of the folder where the command was started, or None.
    """

    versions: dict[str, str]
    machine: Machine
    git_commit: str | None

    @property
    def digits(self) -> str:
        """What the last digits of a number depend on."""
        device = (
            self.machine.accelerator or f"{self.machine.threads} {'thread' if self.machine.threads == 1 else 'threads'}"
        )
        return f"{device}, torch {self.versions.get('torch')}"


def provenance() -> Provenance:
    """Return versions, machine and commit, as they are now."""
    return Provenance(versions(), machine(), git_commit())


def command() -> str:
    """Return the command that runs, as it can be given again."""
    return f"python -m potbench {shlex.join(sys.argv[1:])}"


def versions() -> dict[str, str]:
    """Return the versions of Python, potbench and the libraries that numbers depend on."""
    found = {"python": platform.python_version(), "potbench": potbench.__version__}
    for name in LIBRARIES:
        found[name] = importlib.metadata.version(name)
    for name in EXTRAS:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def machine() -> Machine:
    """Return what this process computes on."""
    import torch

    uses_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return Machine(
        system=platform.platform(),
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        accelerator=torch.cuda.get_device_name() if uses_gpu else None,
        matrix_products=torch.get_float32_matmul_precision(),
    )


def git_commit(package: Path = Path(potbench.__file__).parent) -> str:
    """Return the commit of potbench's sources, marked where they differ from it.

    Where they are no checkout, or lie untracked within another repository, return the installed version.

    Args:
        package: folder of the sources.
    """
    try:
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(package, "rev-parse", "HEAD")
        changes = _git(package, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return potbench.__version__
    return commit + (" with changes" if changes else "")


def _git(folder: Path, *arguments: str) -> str:
    # git sets these for its hooks, and they would point to the repository that the hook runs for
    environment = {name: value for name, value in os.environ.items() if name not in {"GIT_DIR", "GIT_WORK_TREE"}}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environment)
    return done.stdout.strip()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 — no file of ours
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
