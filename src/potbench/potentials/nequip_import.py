"""NequIP, imported so that it leaves the rest of the program as it was."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from torch import nn

from potbench.errors import MissingPackageError


def build(
    elements: Sequence[str],
    num_features: int,
    max_degree: int,
    parity: bool,
    num_interactions: int,
    num_functions: int,
    num_neighbors: float,
    cutoff: float,
) -> nn.Module:
    """Build the layers of NequIP, from the elements to energies of atoms, in the default dtype.

    Args:
        elements: chemical symbols.
        num_features: channels of each degree.
        max_degree: largest degree of the features.
        parity: whether each degree has features of both parities.
        num_interactions: how many times messages are exchanged.
        num_functions: of a distance.
        num_neighbors: that sums are divided by the root of.
        cutoff: in Å.

    Raises:
        MissingPackageError: the package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scale and shift, which are potbench's
        try:
            import nequip
            from e3nn import o3
            from nequip.model import nequip_models
        except ModuleNotFoundError as error:
            if error.name not in {"nequip", "e3nn"}:
                raise
            raise MissingPackageError("nequip", "NequIP needs", "nequip") from error
        del nequip
        degrees = range(max_degree + 1)
        kinds = [(degree, p) for degree in degrees for p in ((1, -1) if parity else ((-1) ** degree,))]
        hidden = repr(o3.Irreps([(num_features, kind) for kind in kinds]))
        sizes: dict[str, Any] = {
            "r_max": cutoff,
            "type_names": list(elements),
            "radial_mlp_depth": [1] * num_interactions,
            "radial_mlp_width": [128] * num_interactions,
            "feature_irreps_hidden": [*[hidden] * (num_interactions - 1), f"{num_features}x0e"],
            "irreps_edge_sh": repr(o3.Irreps.spherical_harmonics(max_degree)),
            "type_embed_num_features": num_features,
            "num_bessels": num_functions,
            "avg_num_neighbors": num_neighbors,
            # forces are potbench's
            "do_derivatives": False,
        }
        # what it is wrapped in needs the seed, the default dtype and the just-in-time compiler of the whole program
        network: nn.Module = nequip_models.FullNequIPGNNModel.__wrapped__(**sizes).func
    for layer in network.modules():
        if hasattr(layer, "num_types"):
            # it computes nothing with it here, and with more elements the network is of the same architecture
            del layer.num_types
    return network
