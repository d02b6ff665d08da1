"""SchNet and PaiNN by SchNetPack's own way and by potbench: the same training steps on energies and forces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from potbench.batch import Batch
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import PaiNN, SchNet, ShiftedSoftplus
from potbench.speed.potbench_fit import PotbenchFit
from potbench.speed.schnetpack_loop import SchNetPackLoop
from potbench.speed.ways import Way

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule

NETWORKS = {"schnet": (SchNet, ShiftedSoftplus), "painn": (PaiNN, torch.nn.SiLU)}
"""Representation and activation behind it."""


def message_passing_ways(
    name: str, data: AtomsDataModule, batches: list[Batch], sizes: Mapping[str, int] | None = None
) -> list[Way]:
    """Return SchNetPack's loop, its network with batches already in memory, and potbench.

    Args:
        name: a key of NETWORKS.
        data: where potbench gets its batches.
        batches: the same, in order, one for each step.
        sizes: arguments of the network, such as num_features, where they differ from SchNetPack's configs.
    """
    representation, activation = NETWORKS[name]
    torch.manual_seed(0)
    start = AtomicPotential(
        data.elements,
        lambda elements: representation(elements, **(sizes or {})),
        lambda elements, width: FeedForward(elements, width, [width // 2], activation, per_element=False),
        scale=1.0,  # SchNetPack's loop has none
    )
    start.adapt(data.statistics)
    start.to("cuda" if torch.cuda.is_available() else "cpu")
    return [
        SchNetPackLoop(start, batches),
        SchNetPackLoop(start, batches, loading=False),
        PotbenchFit("potbench", start, data, len(batches), forces=True),
    ]
