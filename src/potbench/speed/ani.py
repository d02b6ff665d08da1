"""The network of ANI by TorchANI's own loop and by potbench: the same training steps."""

from __future__ import annotations

import numpy as np
import torch

from potbench.loading import AtomsDataModule
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.speed.potbench_fit import PotbenchFit, first_batches
from potbench.speed.torchani_loop import TorchANILoop
from potbench.speed.ways import Way
from potbench.training.feature_cache.in_memory import in_memory
from potbench.training.feature_cache.on_disk import cache_file, fill, on_disk


def first_potential(data: AtomsDataModule) -> AtomicPotential:
    """Return the potential that every way trains, with the weights that every way starts from."""
    torch.manual_seed(0)
    potential = AtomicPotential(
        data.elements,
        AEV,
        lambda elements, num_features: FeedForward(elements, num_features, [128], torch.nn.ReLU),
        scale=1.0,  # TorchANI's loop has none
    )
    potential.adapt(data.statistics)
    return potential.to("cuda" if torch.cuda.is_available() else "cpu")


def energy_ways(potential: AtomicPotential, data: AtomsDataModule, num_steps: int) -> list[Way]:
    """Return TorchANI's loop, potbench computing features at every step, and potbench with cached features."""
    file = cache_file(data.store, potential)
    if not file.is_file():
        fill(file, data.store, potential)
    cached = on_disk(file, data.store)
    return [
        TorchANILoop(potential, first_batches(data, num_steps), forces=False),
        PotbenchFit("potbench", potential, data, num_steps),
        PotbenchFit("potbench, cached features", potential, data, num_steps, cached=cached),
    ]


def force_ways(potential: AtomicPotential, data: AtomsDataModule, num_steps: int) -> list[Way]:
    """Return the same three on energies and forces, the last with cached features and derivatives."""
    batches = first_batches(data, num_steps)
    frames = np.unique(np.concatenate([batch.frame.numpy() for batch in batches]))
    cached = in_memory(data.store, frames, potential)
    return [
        TorchANILoop(potential, batches, forces=True),
        PotbenchFit("potbench", potential, data, num_steps, forces=True),
        PotbenchFit("potbench, cached derivatives", potential, data, num_steps, forces=True, cached=cached),
    ]
