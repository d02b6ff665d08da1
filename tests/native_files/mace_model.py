"""Files as MACE saves its models, of random weights and the shapes of published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from potbench.potentials.mace_import import contained, mace_modules

DENSITY = "RealAgnosticDensityInteractionBlock"
DENSITY_RESIDUAL = "RealAgnosticDensityResidualInteractionBlock"
RESIDUAL = "RealAgnosticResidualInteractionBlock"
OFF = {"hidden_irreps": "6x0e", "atomic_numbers": [1, 6, 7, 8, 9], "r_max": 4.5}
"""As MACE-OFF23(S), Kovács et al., doi:10.48550/arXiv.2312.15211, with fewer features and elements."""
MP = {"hidden_irreps": "4x0e + 4x1o", "num_bessel": 10, "r_max": 6.0, "interaction_cls_first": RESIDUAL}
"""As MACE-MP-0, Batatia et al., doi:10.48550/arXiv.2401.00096: medium."""
MP_B = {
    **{"hidden_irreps": "4x0e + 4x1o + 4x2e", "num_bessel": 10, "r_max": 6.0, "MLP_irreps": "8x0e"},
    **{"interaction_cls_first": DENSITY, "interaction_cls": DENSITY_RESIDUAL, "radial_MLP": [16, 16]},
    **{"pair_repulsion": True, "distance_transform": "Agnesi"},
}
"""As its second generation, with densities, repulsion and transformed distances: large."""


def mace_model(plain: bool = False, **changes: Any) -> torch.nn.Module:
    """Build a model in torch's default dtype.

    Args:
        plain: whether it is a MACE, which has neither scale nor shift.
        changes: of its arguments, irreps and classes as texts.
    """
    modules = mace_modules()
    from e3nn import o3

    arguments: dict[str, Any] = {
        **{"num_bessel": 8, "num_polynomial_cutoff": 5, "max_ell": 3, "num_interactions": 2, "correlation": 3},
        **{"interaction_cls_first": "RealAgnosticInteractionBlock", "interaction_cls": RESIDUAL},
        **{"MLP_irreps": "16x0e", "gate": torch.nn.functional.silu, "avg_num_neighbors": 9.6, "r_max": 5.0},
        **{"atomic_numbers": [1, 6, 7, 8], "use_reduced_cg": False},
        **changes,
    }
    for name in ("hidden_irreps", "MLP_irreps"):
        arguments[name] = o3.Irreps(arguments[name])
    for name in ("interaction_cls_first", "interaction_cls"):
        arguments[name] = modules.interaction_classes[arguments[name]]
    arguments["num_elements"] = len(arguments["atomic_numbers"])
    energies = np.linspace(-10, -2000, arguments["num_elements"])
    heads = len(arguments.get("heads", [0]))
    arguments["atomic_energies"] = energies if heads == 1 else np.tile(energies, (heads, 1))
    scaled = {} if plain else {"atomic_inter_scale": [0.8] * heads, "atomic_inter_shift": [0.1] * heads}
    with contained():
        model: torch.nn.Module = (modules.MACE if plain else modules.ScaleShiftMACE)(**scaled, **arguments)
    return model


def write_mace(file: Path, model: object) -> bytes:
    """Write a model as MACE does, whole; return the bytes."""
    torch.save(model, file)
    return file.read_bytes()
