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

from potbench.errors import PotbenchError


def schnetpack() -> ModuleType:
    """Import and return the package; as the first import takes a second or more, it is not done before it is needed.

    Source: Schütt, Hessmann, Gebauer, Lederer, Gastegger, J. Chem. Phys. 158, 144801 (2023), doi:10.1063/5.0138367.

    Raises:
        PotbenchError: a package that it needs is not installed.
    """
    loader = torch.utils.data.dataloader
    if not hasattr(loader, "T_co"):
        # schnetpack 2.0.3 imports this name from there, where torch 2.13 has given it an underscore
        loader.T_co = loader._T_co  # type: ignore[attr-defined]
    root = logging.getLogger()
    level, handlers, messages = root.level, list(root.handlers), rank_zero.log
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit.script
        try:
            import schnetpack
        except ImportError as error:
            raise PotbenchError(
                f"SchNetPack cannot be imported: {error}. Expected it with all that it needs. Install that, or "
                "SchNetPack again."
            ) from error
    # its reader of ORCA files changes the root logger so that the messages of every library are printed
    root.setLevel(level)
    root.handlers[:] = handlers
    # and pytorch_lightning logs lightning's messages under its own name
    rank_zero.log = messages
    package: ModuleType = schnetpack
    return package


def build(make: Callable[[ModuleType], nn.Module]) -> nn.Module:
    """Build a network of SchNetPack in the default dtype.

    Args:
        make: package → network; called with float32 as the default dtype, the only one its layers can be built in.
    """
    package, dtype = schnetpack(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        network = make(package)
    finally:
        torch.set_default_dtype(dtype)
    return network.to(dtype)
