"""Where a run is evaluated: on the devices of this machine, whichever it was trained on."""

from __future__ import annotations

import os
from collections.abc import Mapping

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import Accelerator, CPUAccelerator, CUDAAccelerator, MPSAccelerator

from potbench.runs.processes import started

KINDS: dict[str, tuple[type[Accelerator], ...]] = {
    "cpu": (CPUAccelerator,),
    "cuda": (CUDAAccelerator,),
    "mps": (MPSAccelerator,),
    "gpu": (CUDAAccelerator, MPSAccelerator),
    "auto": (CUDAAccelerator, MPSAccelerator, CPUAccelerator),
}
OPEN = {"accelerator": "auto", "devices": "auto", "num_nodes": 1, "strategy": "auto"}


def changed_places(trainer: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of a Trainer that ask for what is not here, each with the value that takes what there is.

    Args:
        trainer: settings by which a run was trained, maybe on another machine.

    Returns:
        Settings to change; none where this machine has all of it, or where another program starts the processes.
    """
    asked = {name: trainer.get(name, value) for name, value in OPEN.items()}
    kinds = KINDS.get(str(asked["accelerator"]))
    if kinds is None or started() is not None:
        return {}
    kind = next((kind for kind in kinds if kind.is_available()), None)
    if kind is not None and asked["num_nodes"] == 1 and (asked["devices"] == "auto" or _has(kind, asked["devices"])):
        return {}
    return {name: value for name, value in OPEN.items() if asked[name] != value and (name != "accelerator" or not kind)}


def _has(kind: type[Accelerator], devices: object) -> bool:
    """Return whether there are as many devices, or those of these numbers."""
    try:
        found = kind.parse_devices(devices)
    except MisconfigurationException:
        return False
    except (TypeError, ValueError):
        return True  # what is no number is for the Trainer to refuse
    return kind is not CPUAccelerator or found <= (os.cpu_count() or 1)
