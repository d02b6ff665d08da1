"""Memory that a computation takes, above what was held before it."""

from __future__ import annotations

import ctypes
import gc
import math
from contextlib import suppress
from pathlib import Path

import torch

from potbench.training.memory import in_mib, peak_resident_memory

MIB = 2**20


class MemoryAbove:
    """Memory held above that at the beginning, when the potential and its structures are there.

    On a CPU it is resident memory of the process, of which the C library first gives back what is free.

    Args:
        device: the one whose memory it is.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self.start = torch.cuda.memory_allocated(device) / MIB
            return
        with suppress(OSError, AttributeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):  # only Linux has it: the peak is from now on
            Path("/proc/self/clear_refs").write_text("5")
        self.start = peak_resident_memory()

    @property
    def peak(self) -> float:
        """Return the most memory held since the beginning, in MiB."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MIB - self.start
        return peak_resident_memory() - self.start

    @property
    def free(self) -> float:
        """Return how much memory of the device nobody holds, in MiB; infinity where the system does not say."""
        if self.device.type == "cuda":
            return torch.cuda.mem_get_info(self.device)[0] / MIB
        with suppress(OSError):
            return in_mib(Path("/proc/meminfo"), "MemAvailable")
        return math.inf
