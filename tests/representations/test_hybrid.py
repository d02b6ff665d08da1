import math

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.representations import AEV, Hybrid

ELEMENTS = ["H", "C", "N", "O"]


pytestmark = pytest.mark.usefixtures("double_precision")


def inputs(atoms: Atoms) -> tuple[Batch, torch.Tensor]:
    batch = Batch.from_arrays(atoms.numbers, atoms.positions, np.array([len(atoms)]), np.zeros(1))
    return batch, torch.tensor([ELEMENTS.index(symbol) for symbol in atoms.symbols])


def test_features_begin_with_the_aev():
    batch, element = inputs(molecule("CH3CONH2"))
    hybrid = Hybrid(ELEMENTS, num_channels=8)
    features, aev = hybrid(batch, element), AEV(ELEMENTS)(batch, element)
    assert features.shape == (9, hybrid.num_features) == (9, 384 + 8)
    torch.testing.assert_close(features[:, :384], aev)


def test_messages_reach_further_than_the_aev():
    # a chain: its ends are 8 Å apart, beyond the cutoff of an AEV, and within reach of three messages
    chain = Atoms("CCCCCCC", [[1.4 * place, 0.3 * (place % 2), 0.0] for place in range(7)])
    moved = chain.copy()
    moved.positions[-1] += [0.0, 0.1, 0.1]
    hybrid = Hybrid(ELEMENTS, num_channels=8)
    change = (hybrid(*inputs(moved)) - hybrid(*inputs(chain)))[0]
    assert not change[:384].any()
    assert change[384:].abs().max() > 1e-9


def test_messages_tell_shapes_apart_that_have_equal_distances_from_the_middle():
    # a neighbor of the middle atom, rotated about the axis of the others: only its angles to them change
    def features(angle: float) -> torch.Tensor:
        fourth = [0.5, 1.2 * math.cos(angle), 1.2 * math.sin(angle)]
        atoms = Atoms("CHHH", [[0, 0, 0], [1.1, 0, 0], [-0.4, 1.0, 0.3], fourth])
        hybrid_features: torch.Tensor = hybrid(*inputs(atoms))[0, 384:]
        return hybrid_features

    hybrid = Hybrid(ELEMENTS, num_channels=8)
    assert (features(2.0) - features(2.5)).abs().max() > 1e-6


def test_an_atom_alone_has_no_tensors():
    batch, element = inputs(Atoms("O"))
    features = Hybrid(ELEMENTS, num_channels=8)(batch, element)
    assert torch.isfinite(features).all()
    assert not features[:, :384].any()
