"""NequIP against the calculator of its authors, which finds neighbors, sums, scales and differentiates by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch, Statistics
from potbench.potentials import NequIP
from potbench.structures import Frames
from tests.rivals import skip_without_package

OFFSETS = {1: -13.6, 6: -1029.9, 8: -2042.6}
SYMBOLS = {"O": 8, "H": 1, "C": 6}
SCALE = 0.7
NAMES = ["CH3CH2OH", "H2O", "C6H6", "O"]


@pytest.mark.parametrize("parity", [True, False])
def test_energies_and_forces_equal_those_of_nequips_calculator(parity: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_package(Path("nequip"))
    import e3nn
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.integrations.ase import NequIPCalculator
    from nequip.model import NequIPGNNModel
    from nequip.utils import global_state

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    sizes = {"num_features": 4, "parity": parity}
    potential = NequIP(list(SYMBOLS), **sizes, num_interactions=2, num_neighbors=6.0, cutoff=2.5).eval()
    potential.adapt(Statistics(OFFSETS, SCALE, None, 1))
    # their builder only asks whether it did; it would set the seed and the default dtype of the whole program
    monkeypatch.setattr(global_state, "_GLOBAL_STATE_INITIALIZED", True)
    # it leaves e3nn with another compiler than it found, for all that is built after it; put back at the end
    monkeypatch.setitem(e3nn._OPT_DEFAULTS, "jit_mode", e3nn.get_optimization_defaults()["jit_mode"])
    model = NequIPGNNModel(
        seed=1,
        model_dtype="float64",
        type_names=list(SYMBOLS),
        r_max=2.5,
        num_layers=2,
        avg_num_neighbors=6.0,
        per_type_energy_scales=SCALE,
        per_type_energy_shifts={symbol: OFFSETS[number] for symbol, number in SYMBOLS.items()},
        **sizes,
    ).eval()
    own = {name for name, _ in model.named_buffers() if name.endswith((".scales", ".shifts", "._empty"))}
    weights = {f"model.func.{name}": value for name, value in potential.network.state_dict().items()}
    weights = {name: value for name, value in weights.items() if name not in own}
    assert set(model.load_state_dict(weights, strict=False).missing_keys) == own
    species = ChemicalSpeciesToAtomTypeMapper(model_type_names=list(SYMBOLS))
    theirs = NequIPCalculator(model, "cpu", transforms=[species, NeighborListTransform(2.5)])
    found: list[Atoms] = [Atoms(name) if len(name) == 1 else molecule(name) for name in NAMES]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.1, seed=seed)
        atoms.calc = theirs
    batch = Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in found))
    ours = potential(batch, forces=True)
    energies = torch.tensor([float(atoms.get_potential_energy()) for atoms in found])
    forces = torch.from_numpy(np.concatenate([atoms.get_forces() for atoms in found]))
    assert (ours.energy - energies).abs().max() < 1e-10
    assert (ours.forces - forces).abs().max() < 1e-10
    assert forces.abs().max() > 0.1
