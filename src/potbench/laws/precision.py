"""Single precision is for speed, and must not change the answer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from potbench.batch import Batch
from potbench.laws.compare import forces_of, largest
from potbench.potentials import Potential

STRETCH = 1.05
"""Energies are compared by their change when molecules are stretched by this factor: offsets cancel."""


def single_precision(potential: Potential, batch: Batch) -> float:
    """Single precision gives nearly the energy changes and forces of double precision (relative, without unit)."""
    changes, forces = [], []
    positions = batch.positions.float()
    for dtype in (torch.float32, torch.float64):
        with default_dtype(dtype):
            converted = copy.deepcopy(potential).to(dtype)
            here = batch.with_positions(positions.to(dtype))
            there = here.with_positions((STRETCH * positions).to(dtype))
            prediction = converted(here, forces=True)
            changes.append(converted(there).energy - prediction.energy)
            forces.append(forces_of(prediction))
    return max(
        largest(single - double) / max(largest(double), torch.finfo(torch.float64).tiny)
        for single, double in (changes, forces)
    )


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Set the default dtype of new tensors within a `with` statement."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
