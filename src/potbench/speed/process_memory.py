"""Memory of this process, as Linux reports it."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
"""On Linux alone."""


def held(*kinds: str) -> dict[str, float]:
    """Return what this process holds, in MiB.

    Args:
        kinds: which numbers of /proc/self/status: VmRSS, all resident memory; RssAnon, that of it which is not shared
            with a file; VmHWM, the highest VmRSS ever.

    Raises:
        FileNotFoundError: the system is not Linux.
    """
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return {kind: int(fields[kind].split()[0]) / 1024 for kind in kinds}
