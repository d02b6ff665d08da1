"""What can be found in some of the frames."""

from __future__ import annotations

from potbench.data_quality import energies, forces, structure
from potbench.data_quality.finding import Finding
from potbench.data_quality.sample import draw
from potbench.loading import Store


def sampled(store: Store, num_frames: int, seed: int) -> list[Finding]:
    """Examine units and signs of labels, and distances of atoms, in frames drawn at random.

    Args:
        store: the dataset.
        num_frames: how many frames.
        seed: seed of the draw.
    """
    frames = draw(store, num_frames, seed)
    consistent = forces.consistent(store, seed)
    return [
        *structure.distances(store, frames),
        energies.plausible(store),
        *forces.net(store, frames),
        *([consistent] if consistent else []),
    ]
