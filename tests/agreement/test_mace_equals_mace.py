"""MACE against the calculator of its authors, which finds neighbors, sums and differentiates by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch, Statistics
from potbench.potentials import MACE
from potbench.potentials.mace_import import LOADS_ANYTHING
from potbench.structures import Frames
from tests.rivals import skip_without_package

OFFSETS = {1: -13.6, 6: -1029.9, 8: -2042.6}
SCALE = 0.7
NAMES = ["CH3CH2OH", "H2O", "C6H6", "O"]


@pytest.fixture(scope="module")
def potential() -> MACE:
    skip_without_package(Path("mace"))
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    potential = MACE(["O", "H", "C"], num_features=4, num_neighbors=6.0, cutoff=2.5)
    potential.adapt(Statistics(OFFSETS, SCALE, None, 1))
    return potential.eval()


def calculator(potential: MACE):
    """MACE's own, of a model that has the same weights, offset and scale."""
    from e3nn import o3
    from mace import modules
    from mace.calculators import MACECalculator

    torch.set_default_dtype(torch.float64)
    model = modules.ScaleShiftMACE(
        atomic_inter_scale=SCALE,
        atomic_inter_shift=0.0,
        r_max=2.5,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=3,
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        num_interactions=2,
        num_elements=3,
        hidden_irreps=o3.Irreps("4x0e + 4x1o"),
        MLP_irreps=o3.Irreps("16x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.array([OFFSETS[8], OFFSETS[1], OFFSETS[6]]),
        avg_num_neighbors=6.0,
        atomic_numbers=[8, 1, 6],
        correlation=3,
        use_reduced_cg=False,
    )
    own = {"scale_shift.scale", "scale_shift.shift", "atomic_energies_fn.atomic_energies"}
    weights = {name: value for name, value in potential.network.state_dict().items() if name not in own}
    assert set(model.load_state_dict(weights, strict=False).missing_keys) == own
    return MACECalculator(models=model, device="cpu", default_dtype="float64")


def test_energies_and_forces_equal_those_of_maces_calculator(potential: MACE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOADS_ANYTHING, "0")  # the calculator's file sets it, for the whole process
    theirs = calculator(potential)
    found: list[Atoms] = [Atoms(name) if len(name) == 1 else molecule(name) for name in NAMES]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.1, seed=seed)
    torch.set_default_dtype(torch.float64)
    batch = Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in found))
    ours = potential(batch, forces=True)
    for atoms in found:
        atoms.calc = theirs
    energies = torch.tensor([atoms.get_potential_energy() for atoms in found])
    forces = torch.from_numpy(np.concatenate([atoms.get_forces() for atoms in found]))
    assert (ours.energy - energies).abs().max() < 1e-10
    assert (ours.forces - forces).abs().max() < 1e-10
    assert forces.abs().max() > 0.1
