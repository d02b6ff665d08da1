"""What every benchmark says of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def machine_line(results: Mapping[str, Any]) -> str:
    """A line on the machine that figures were measured on.

    Args:
        results: with `machine` and `versions` of potbench.runs.provenance.
    """
    machine, versions = results["machine"], results["versions"]
    accelerator = f", {machine['accelerator']}" if machine["accelerator"] else ""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads{accelerator}; "
        f"torch {versions['torch']}, torchani {versions['torchani']}, schnetpack {versions['schnetpack']}, "
        f"lightning {versions['lightning']}"
    )
