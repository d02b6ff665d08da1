import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch
from potbench.readouts import Attention
from potbench.readouts.attention import softmax_within_cutoff

ELEMENTS = ["H", "C", "N", "O"]
WIDTH, NUM_HEADS, CUTOFF = 6, 2, 3.0


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)


@pytest.fixture
def batch():
    """Molecules of four, one and three atoms; one pair of the first is beyond the cutoff."""
    positions = np.random.default_rng(0).normal(size=(8, 3))
    positions[3] += [2.5, 0, 0]
    return Batch.from_arrays(np.array([8, 1, 1, 6, 7, 6, 1, 7]), positions, np.array([4, 1, 3]), np.zeros(3))


@pytest.fixture
def element():
    return torch.tensor([3, 0, 0, 1, 2, 1, 0, 2])


@pytest.fixture
def features():
    return torch.randn(8, 5)


def small(cutoff=CUTOFF, elements=ELEMENTS):
    return Attention(elements, 5, WIDTH, NUM_HEADS, hidden_width=7, cutoff=cutoff)


def test_energies_are_those_of_the_formula_atom_by_atom(batch, element, features):
    readout = small()
    before = [readout.before.networks[ELEMENTS[index]] for index in element]
    after = [readout.after.networks[ELEMENTS[index]] for index in element]
    atoms = [network(row.unsqueeze(0))[0].chunk(4) for network, row in zip(before, features, strict=True)]
    expected = []
    for i, (projected, query, _, _) in enumerate(atoms):
        heads = []
        for head in torch.arange(WIDTH).chunk(NUM_HEADS):
            total, weighted = 0.0, 0.0
            for j in torch.nonzero(batch.molecule_index == batch.molecule_index[i]).flatten().tolist():
                distance = math.dist(batch.positions[i].tolist(), batch.positions[j].tolist())
                envelope = 0.5 + 0.5 * math.cos(math.pi * distance / CUTOFF) if distance < CUTOFF else 0.0
                score = torch.dot(query[head], atoms[j][2][head]) / math.sqrt(len(head))
                total = total + envelope * torch.exp(score)
                weighted = weighted + envelope * torch.exp(score) * atoms[j][3][head]
            heads.append(weighted / total)
        expected.append(after[i](torch.cat([projected, *heads]).unsqueeze(0))[0, 0])
    torch.testing.assert_close(readout(features, batch, element), torch.stack(expected))


def test_without_a_cutoff_it_is_the_attention_of_torch(batch, features):
    readout = small(cutoff=None, elements=["C"])
    (before,), (after,) = readout.before.networks.values(), readout.after.networks.values()
    batch = batch._replace(atoms_per_element={6: 8})
    theirs = nn.MultiheadAttention(WIDTH, NUM_HEADS, batch_first=True)
    theirs.in_proj_weight, theirs.in_proj_bias = before.query_key_value.weight, before.query_key_value.bias
    theirs.out_proj = after.out
    energies = readout(features, batch, torch.zeros(8, dtype=torch.int64))
    for mine in (batch.molecule_index == molecule for molecule in range(3)):
        projected = before.project(features[mine]).unsqueeze(0)
        attended, _ = theirs(projected, projected, projected)
        mixed = after.first_norm(projected + attended)
        expected = after.energy(after.second_norm(mixed + after.feed_forward(mixed))).flatten()
        torch.testing.assert_close(energies[mine], expected)


def test_without_a_cutoff_positions_are_not_read(batch, element, features):
    elsewhere = batch._replace(positions=batch.positions * torch.nan)
    readout = small(cutoff=None)
    assert torch.equal(readout(features, elsewhere, element), readout(features, batch, element))


def test_an_atom_without_neighbors_in_reach_has_the_energy_it_has_alone(batch, element, features):
    readout = small()
    scattered = batch._replace(positions=batch.positions + 100.0 * torch.arange(8).unsqueeze(1))
    alone = Batch.from_arrays(batch.atomic_numbers.numpy(), np.zeros((8, 3)), np.ones(8, dtype=int), np.zeros(8))
    torch.testing.assert_close(readout(features, scattered, element), readout(features, alone, element))


def test_an_atom_depends_on_features_of_its_own_molecule_alone(batch, element, features):
    readout = small()
    changed = features.clone()
    changed[5] += 1.0
    changes = (readout(changed, batch, element) - readout(features, batch, element)).abs() > 1e-6
    assert changes.tolist() == [False] * 5 + [True] * 3


@pytest.mark.parametrize("largest", [1.0, 100.0, 1e4])
def test_no_score_is_too_large(largest):
    scores = largest * torch.randn(4, 5, dtype=torch.float32).requires_grad_()
    cutoff_values = torch.tensor([[1, 0.7, 1e-4, 3e-8, 0]]).float().requires_grad_()
    weights = softmax_within_cutoff(scores, cutoff_values)
    slopes = torch.autograd.grad(weights.square().sum(), [scores, cutoff_values])
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(4, dtype=torch.float32))
    assert not weights[:, 4].any()
    assert all(slope.isfinite().all() for slope in slopes)


def test_an_atom_beyond_the_cutoff_has_no_share_however_large_its_score():
    scores = torch.tensor([0.0, 0.0, 1e4]).requires_grad_()
    cutoff_values = torch.tensor([1.0, 0.5, 0.0]).requires_grad_()
    weights = softmax_within_cutoff(scores, cutoff_values)
    torch.testing.assert_close(weights, torch.tensor([2 / 3, 1 / 3, 0.0]))
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(weights[0], [scores, cutoff_values]))


def test_heads_share_the_width_evenly():
    message = (
        "The attention has width 128 and num_heads 3. Expected a multiple of num_heads. "
        "Change the argument width of Attention."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Attention(ELEMENTS, 5, num_heads=3)
