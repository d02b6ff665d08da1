"""SchNetPack, imported so that it works and leaves the rest of the program as it was."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from types import ModuleType

import torch
import torch.utils.data.dataloader
from lightning_utilities.core import rank_zero
from torch import nn


def schnetpack() -> ModuleType:
    """The package; its first import takes a second or more, so it waits until a network of it is asked for.

    Source: Schütt, Hessmann, Gebauer, Lederer, Gastegger, J. Chem. Phys. 158, 144801 (2023), doi:10.1063/5.0138367.
    """
    loader = torch.utils.data.dataloader
    if not hasattr(loader, "T_co"):
        # schnetpack 2.0.3 imports this name from there, where torch 2.13 has given it an underscore
        loader.T_co = loader._T_co  # type: ignore[attr-defined]
    root = logging.getLogger()
    level, handlers, messages = root.level, list(root.handlers), rank_zero.log
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script
        import schnetpack
    # its reader of ORCA files would have the notes of every library printed from now on
    root.setLevel(level)
    root.handlers[:] = handlers
    # and pytorch_lightning would have those of lightning under its own name
    rank_zero.log = messages
    package: ModuleType = schnetpack
    return package


def build(make: Callable[[ModuleType], nn.Module]) -> nn.Module:
    """A network of SchNetPack in the default dtype.

    Args:
        make: package → network; runs with float32 as the default dtype, for its layers can be made in no other.
    """
    package, dtype = schnetpack(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        network = make(package)
    finally:
        torch.set_default_dtype(dtype)
    return network.to(dtype)
