"""MACE, imported so that it leaves the rest of the program as it was."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

import torch
from torch import nn

from potbench.errors import MissingPackageError

LOADS_ANYTHING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""The environment variable by which torch runs what files of weights hold; MACE sets it."""


def mace_modules() -> ModuleType:
    """Import and return the part of MACE that has its networks.

    Raises:
        MissingPackageError: the package is not installed.
    """
    with contained():
        try:
            # before e3nn, whose constants torch does not load without the variable
            import mace
            from mace import modules
        except ModuleNotFoundError as error:
            if error.name not in {"mace", "e3nn"}:
                raise
            raise MissingPackageError("mace-torch", "MACE needs", "mace") from error
    del mace
    found: ModuleType = modules
    return found


@contextmanager
def contained() -> Iterator[None]:
    """Keep what MACE prints, warns of and sets from the rest of the program."""
    before = os.environ.get(LOADS_ANYTHING)
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")  # of torch.jit.script, and of the variable
        try:
            yield
        finally:
            os.environ.pop(LOADS_ANYTHING, None)
            if before is not None:
                os.environ[LOADS_ANYTHING] = before


def build(
    elements: Sequence[int],
    num_features: int,
    max_degree: int,
    direction_degree: int,
    correlation: int,
    num_interactions: int,
    num_functions: int,
    num_neighbors: float,
    cutoff: float,
    first_interaction: str,
    interaction: str,
    readout_features: int,
    radial_sizes: Sequence[int],
    envelope_power: int,
    distance_transform: str | None,
    pair_repulsion: bool,
) -> nn.Module:
    """Build a network of MACE in the default dtype.

    Args:
        elements: atomic numbers.
        num_features: channels of each degree.
        max_degree: largest degree of the features.
        direction_degree: largest degree of the spherical harmonics of directions.
        correlation: how many neighbors are described at once.
        num_interactions: how many times messages are exchanged.
        num_functions: of a distance.
        num_neighbors: that sums are divided by.
        cutoff: in Å.
        first_interaction: how messages are exchanged first, by MACE's name.
        interaction: how they are exchanged afterwards.
        readout_features: hidden features of the last readout.
        radial_sizes: of the hidden layers that weigh messages by the distance.
        envelope_power: of the envelope that ends at the cutoff.
        distance_transform: what is done to distances before the functions of them, by MACE's name; None for nothing.
        pair_repulsion: whether nuclei repel each other.
    """
    modules = mace_modules()
    from e3nn import o3

    degrees = [(num_features, (degree, (-1) ** degree)) for degree in range(max_degree + 1)]
    sizes: dict[str, Any] = {
        "r_max": cutoff,
        "num_bessel": num_functions,
        "num_polynomial_cutoff": envelope_power,
        "max_ell": direction_degree,
        "interaction_cls_first": modules.interaction_classes[first_interaction],
        "interaction_cls": modules.interaction_classes[interaction],
        "num_interactions": num_interactions,
        "num_elements": len(elements),
        "hidden_irreps": o3.Irreps(degrees),
        "MLP_irreps": o3.Irreps(f"{readout_features}x0e"),
        "radial_MLP": list(radial_sizes),
        "distance_transform": distance_transform or "None",
        "pair_repulsion": pair_repulsion,
        "gate": nn.functional.silu,
        # potbench adds them, in double precision
        "atomic_energies": torch.zeros(len(elements)).numpy(),
        "avg_num_neighbors": num_neighbors,
        "atomic_numbers": list(elements),
        "correlation": correlation,
        # otherwise weights would depend on which packages of CUDA are installed
        "use_reduced_cg": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit.script
        network: nn.Module = modules.MACE(**sizes)
    return network
