"""Where a number came from: versions, machine, commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress

import torch

LIBRARIES = (
    *("potbench", "torch", "lightning", "torchani", "schnetpack"),
    *("torchmetrics", "ase", "numpy", "h5py", "jsonargparse"),
)
EXTRAS = ("sgdml",)
"""Of these the version is kept where they are installed."""


def provenance() -> dict[str, object]:
    """Versions, machine and commit, as they are now."""
    return {"versions": versions(), "machine": machine(), "git_commit": git_commit()}


def versions() -> dict[str, str]:
    """Versions of python and of the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        found[name] = importlib.metadata.version(name)
    for name in EXTRAS:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def machine() -> dict[str, object]:
    """What the run was computed on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def git_commit() -> str | None:
    """Commit of the working directory, marked where files differ from it; None outside a repository."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.stdout.strip() + (" with changes" if changes.stdout.strip() else "")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 — no file of ours
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
