"""Networks of graph-pes against its own calculator, which finds neighbors, sums and differentiates by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch, Statistics
from potbench.potentials import GraphPES
from potbench.structures import Frames
from tests.rivals import skip_without_package

SCALE = 0.7
NAMES = ["CH3CH2OH", "H2O", "C6H6"]


@pytest.mark.parametrize("network", ["SchNet", "PaiNN", "TensorNet"])
def test_energies_and_forces_equal_those_of_the_calculator_of_graph_pes(network) -> None:
    skip_without_package(Path("graph_pes"))
    from graph_pes.utils.calculator import GraphPESCalculator

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    potential = GraphPES(["O", "H", "C"], network, num_features=8, cutoff=2.5).eval()
    offsets = {1: -13.6, 6: -1029.9, 8: -2042.6}
    potential.adapt(Statistics(offsets, SCALE, None, 1))
    theirs = GraphPESCalculator(potential.network)
    found: list[Atoms] = [molecule(name) for name in NAMES]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.1, seed=seed)
        atoms.calc = theirs
    batch = Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in found))
    ours = potential(batch, forces=True)
    for energy, atoms in zip(ours.energy.tolist(), found, strict=True):
        offset = sum(offsets[number] for number in atoms.numbers)
        assert energy == pytest.approx(SCALE * atoms.get_potential_energy() + offset, rel=0, abs=1e-9)
    forces = SCALE * torch.from_numpy(np.concatenate([atoms.get_forces() for atoms in found]))
    assert (ours.forces - forces).abs().max() < 1e-9
    assert forces.abs().max() > 0.01
