"""SchNet and PaiNN against SchNetPack's own forward pass, over the neighbors that ASE finds."""

import numpy as np
import pytest
import torch
from ase.build import molecule
from ase.neighborlist import neighbor_list

from potbench.batch import Batch
from potbench.representations import PaiNN, SchNet
from potbench.structures import Frames

NAMES = ["CH3CONH2", "H2O", "HCN", "C6H6"]


@pytest.fixture(params=[SchNet, PaiNN])
def representation(request):
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    return request.param(["H", "C", "N", "O"], num_features=16, cutoff=2.4)


@pytest.fixture
def molecules(representation):
    found = [molecule(name) for name in NAMES]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.1, seed=seed)
    return found


def by_schnetpack(network, molecules, positions):
    first, second, num_earlier = [], [], 0
    for atoms in molecules:
        i, j = neighbor_list("ij", atoms, 2.4)
        first.append(torch.from_numpy(i) + num_earlier)
        second.append(torch.from_numpy(j) + num_earlier)
        num_earlier += len(atoms)
    first, second = torch.cat(first), torch.cat(second)
    inputs = {
        "_atomic_numbers": torch.from_numpy(np.concatenate([atoms.numbers for atoms in molecules])),
        "_Rij": positions[second] - positions[first],
        "_idx_i": first,
        "_idx_j": second,
    }
    return network(inputs)["scalar_representation"]


def test_features_and_their_derivatives_equal_those_of_schnetpack(representation, molecules):
    batch = Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in molecules))
    positions = batch.positions.requires_grad_()
    ours = representation(batch, batch.atomic_numbers)
    theirs = by_schnetpack(representation.network, molecules, positions)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    slopes = [torch.autograd.grad((each * weights).sum(), positions, create_graph=True)[0] for each in (ours, theirs)]
    torch.testing.assert_close(*slopes)
    learned = [weight for name, weight in representation.named_parameters() if "weight" in name]
    for one, other in zip(*(torch.autograd.grad(slope.square().sum(), learned) for slope in slopes), strict=True):
        torch.testing.assert_close(one, other)
