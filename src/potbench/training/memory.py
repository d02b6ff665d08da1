"""The memory of a training: what its allocator keeps, and how much it held."""

from __future__ import annotations

import ctypes
import math
import sys
from contextlib import suppress
from pathlib import Path

import torch

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

# glibc's malloc.h; the value of each is a C int
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Let the C library keep the memory that a training step frees, for the next step, from now on in this process.

    By default glibc returns large allocations to the system when they are freed, and the system clears them page by
    page when they are requested again, at every step. Without that, steps that compute AEVs of a thousand frames or
    more are 1.2 to 1.6 times as fast on a CPU. The process holds its peak memory until it ends, some 5 % more than
    otherwise.

    Returns:
        Whether the C library accepted the settings; only glibc is changed.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**26}
    accepted = [set_option(option, value) for option, value in settings.items()]
    return accepted == [1, 1, 1]


def peak_memory() -> float:
    """Return the most memory this process has held, in MiB: of the GPU where there is one, else resident memory.

    NaN on Windows, where Python does not tell.
    """
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_resident_memory()


def peak_resident_memory() -> float:
    """Return the most resident memory this process has held, in MiB; NaN on Windows."""
    with suppress(OSError):  # of Linux alone; what it tells otherwise begins with that of whoever started the process
        return in_mib(Path("/proc/self/status"), "VmHWM")
    if resource is None:
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def in_mib(file: Path, name: str) -> float:
    """Return a value in a file of Linux that has KiB, such as VmHWM."""
    (kib,) = (line.split()[1] for line in file.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(kib) / 1024
