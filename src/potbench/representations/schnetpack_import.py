"""SchNetPack, imported so that it works and leaves the rest of the program as it was."""

from __future__ import annotations

import logging
import warnings
from functools import cache
from types import ModuleType

import torch.utils.data.dataloader


@cache
def schnetpack() -> ModuleType:
    """The package; its import takes a second or more, so it waits until a network of it is asked for.

    Source: Schütt, Hessmann, Gebauer, Lederer, Gastegger, J. Chem. Phys. 158, 144801 (2023), doi:10.1063/5.0138367.
    """
    loader = torch.utils.data.dataloader
    if not hasattr(loader, "T_co"):
        # schnetpack 2.0.3 imports this name from there, where torch 2.13 has given it an underscore
        loader.T_co = loader._T_co  # type: ignore[attr-defined]
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script
        import schnetpack
    root.setLevel(level)  # or every library's notes would be printed from now on, by its reader of ORCA files
    root.handlers[:] = handlers
    package: ModuleType = schnetpack
    return package
