from __future__ import annotations

import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.geometry.pairs import candidate_pairs
from potbench.potentials.molecules import batch_of
from potbench.representations import AEV
from potbench.representations.aev_neighbors import all_neighbors, lists_all, near_neighbors

NUMBERS = [1, 6, 8]
KINDS = torch.tensor([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


def element_of(batch: Batch) -> torch.Tensor:
    return torch.tensor([NUMBERS.index(number) for number in batch.atomic_numbers.tolist()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("names", [["CH3CH2OH"], ["C6H6", "H2O", "H2", "OH", "H", "CH4"], ["H"]])
def test_features_and_gradients_are_those_of_torchani_to_the_last_digit(names: list[str], dtype: torch.dtype) -> None:
    from torchani.neighbors import narrow_down

    representation, batch = AEV(["H", "C", "O"]).to(dtype), batch_of([molecule(name) for name in names])
    batch, element = batch.with_positions(batch.positions.to(dtype).requires_grad_()), element_of(batch)
    elements, positions = element.unsqueeze(0), batch.positions.unsqueeze(0)
    theirs = narrow_down(representation.cutoff, elements, positions, candidate_pairs(batch, None))
    expected = representation.computer.compute_from_neighbors(elements, positions, theirs).squeeze(0)
    features = representation(batch, element)
    assert torch.equal(features, expected)
    weights = torch.rand_like(features)
    gradients = [torch.autograd.grad((each * weights).sum(), batch.positions)[0] for each in (features, expected)]
    assert torch.equal(*gradients)


def found(batch: Batch, element: torch.Tensor, *far: float) -> object:
    """The neighbors of H, O and H at some distances from the first."""
    positions = torch.tensor([[0.0, 0, 0], *([0.0, 0, distance] for distance in far)], dtype=torch.float64)
    return near_neighbors(batch.with_positions(positions), element, KINDS, 5.0, 3.0)


def test_neighbors_are_remembered_for_as_long_as_the_same_pairs_are_within_the_cutoffs() -> None:
    batch = batch_of([molecule("H2O")])._replace(memory={})
    element = element_of(batch)
    first = found(batch, element, 1, 2)
    assert found(batch, element, 1.5, 2.9) is first
    for beyond in (3.1, 5.1):
        neighbors = found(batch, element, 1, beyond)
        assert neighbors is not first
        for kept, new in zip(neighbors, found(batch._replace(memory=None), element, 1, beyond), strict=True):
            assert torch.equal(kept, new)
    assert found(batch, element.clone(), 1, 5.1) is not neighbors  # indices may be those of other elements


def test_without_memory_nothing_is_kept() -> None:
    batch = batch_of([molecule("H2O")])
    element = element_of(batch)
    assert found(batch, element, 1, 2) is not found(batch, element, 1, 2)


@pytest.mark.parametrize("names", [["OHHCH"], ["OHHCH", "HH", "O", "HCOH", "OHHCH"], ["O"]])
def test_all_neighbors_of_small_molecules_are_the_near_ones(names: list[str]) -> None:
    """Beside triples of the sign 0, which are none."""
    places = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    batch = batch_of([Atoms(name, places[: len(name)]) for name in names])
    element = element_of(batch)
    near, every = near_neighbors(batch, element, KINDS, 5, 3), all_neighbors(batch, element, KINDS)
    assert torch.equal(near.pairs, every.pairs)
    assert torch.equal(near.radial, every.radial)

    def triples(neighbors: object) -> list[tuple[object, ...]]:
        triples = zip(neighbors.sides.T.tolist(), neighbors.signs.T.tolist(), neighbors.angular.tolist(), strict=True)
        found = [(sorted(zip(*sides, strict=True)), angular) for *sides, angular in triples if 0 not in sides[1]]
        return sorted(found)

    assert triples(near) == triples(every)
    assert len(triples(every)) == sum(len(name) * (len(name) - 1) * (len(name) - 2) // 2 for name in names)
    num_triples = batch.num_pairs * batch.largest_molecule  # known before values are
    assert every.sides.shape == every.signs.shape == (2, num_triples)
    assert every.angular.shape == (num_triples,)


def test_features_and_gradients_are_the_same_where_all_neighbors_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    representation = AEV(["H", "C", "O"]).double()
    batch = batch_of([molecule(name) for name in ("isobutane", "H2O", "H", "CH3CH2OH")])
    found = []
    for all_listed in (False, True):
        monkeypatch.setattr("potbench.representations.aev.lists_all", lambda _, listed=all_listed: listed)
        positions = batch.positions.double().requires_grad_()
        features = representation(batch.with_positions(positions), element_of(batch))
        (gradient,) = torch.autograd.grad(features.square().sum(), positions, create_graph=True)
        found.append((features, gradient, *torch.autograd.grad(gradient.square().sum(), positions)))
    for near, every in zip(*found, strict=True):
        assert torch.allclose(near, every, rtol=1e-10, atol=1e-10)


def test_all_neighbors_are_listed_off_the_cpu_where_they_are_few() -> None:
    few, many = (batch_of([molecule("CH3CH2OH")] * number) for number in (8, 2**18 // (36 * 9) + 1))
    assert lists_all(few.to(torch.device("meta")))
    assert not lists_all(many.to(torch.device("meta")))
    assert not lists_all(few)
