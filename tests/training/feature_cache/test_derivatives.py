from __future__ import annotations

import pytest
import torch

from potbench.batch import Batch
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.training.feature_cache import derivatives as module
from potbench.training.feature_cache.chain_rule import jacobians
from potbench.training.feature_cache.derivatives import Derivatives, divide
from tests.native_files.made import frames

ELEMENTS = ["H", "C", "N", "O"]
NUM_ATOMS = 9


@pytest.fixture(scope="module")
def table() -> torch.Tensor:
    """Derivatives of the AEVs of five conformers of acetamide: shape (frames, atoms · 3, atoms · features)."""
    potential = AtomicPotential(ELEMENTS, AEV, lambda elements, num_features: FeedForward(elements, num_features, [4]))
    return jacobians(potential.features, Batch.from_frames(frames("CH3CONH2", 5))).detach()


def restored(derivatives: Derivatives, like: torch.Tensor) -> torch.Tensor:
    table = torch.zeros_like(like)
    by_atoms = table.view(len(table), NUM_ATOMS, 3, NUM_ATOMS, -1)
    for atom in range(NUM_ATOMS):
        by_atoms[:, atom, :, atom] = derivatives.own[:, atom]
    features = torch.split(derivatives.features, [part.values.shape[2] for part in derivatives.parts])
    for part, columns in zip(derivatives.parts, features, strict=True):
        for frame, values in zip(table, part.values, strict=True):
            # padding names a feature again, with zeros
            frame.index_put_((part.coordinates.unsqueeze(1), columns), values, accumulate=True)
    return table


@pytest.mark.parametrize(
    ("constant", "value"),
    [("FRAMES_AT_ONCE", 2), ("COST_OF_A_PART", 0), ("COST_OF_A_PART", 10**9), ("MOST_KINDS", 2)],
)
def test_every_derivative_is_stored_once_however_they_are_divided(table, monkeypatch, constant, value):
    monkeypatch.setattr(module, constant, value)
    assert torch.equal(restored(divide(table.clone(), NUM_ATOMS), table), table)


def test_most_zeros_are_left_out(table):
    derivatives = divide(table.clone(), NUM_ATOMS)
    assert derivatives.nbytes < 0.5 * table.nbytes


def test_rows_begin_on_cache_lines(table):
    parts = divide(table.clone(), NUM_ATOMS).parts
    assert len(parts) > 1
    assert all(part.values.shape[2] % 16 == 0 for part in parts)


def test_features_of_a_single_atom_have_no_parts():
    table = torch.ones(3, 3, 4)
    derivatives = divide(table.clone(), 1)
    assert derivatives.parts == ()
    assert torch.equal(derivatives.own[:, 0], table)
