"""The potential of a run, for commands that move atoms by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import SettingError

if TYPE_CHECKING:
    from potbench.potentials.potential import Potential


def load_trained(
    run: Path, ckpt_path: str, device: str, allow: list[str], repulsion: bool = False, in_double: bool = False
) -> Potential:
    """Load the potential of a run.

    Args:
        run: its folder.
        ckpt_path: best, last, or a file.
        device: where it shall compute.
        allow: packages whose classes the checkpoint may name.
        repulsion: whether nuclei repel each other at short distances.
        in_double: whether it shall compute in double precision, whatever it was trained in.

    Raises:
        RunError: the folder is no run, or has no such checkpoint.
        SettingError: the run was not trained on energies, or there is no such device.
    """
    from potbench.runs.folder import RunFolder

    folder = RunFolder(run)
    folder.require()
    checkpoint = folder.checkpoint(ckpt_path)

    import torch

    from potbench.inference.load import load
    from potbench.runs.allowed import Allowed
    from potbench.runs.record import Record

    unit = Record.load(folder.path).data.units.energy if folder.record.is_file() else "eV"
    if unit != "eV":
        problem = f"{run} was trained on a property in {unit}, along whose gradient nothing moves"
        raise SettingError(load_trained, "run", str(run), "a run that was trained on energies", problem)
    dtype = torch.float64 if in_double else None
    return load(checkpoint, device, dtype, Allowed.by_flag(allow).allow, repulsion)
