import numpy as np
import pytest
import torch
from ase.build import molecule
from ase.data import chemical_symbols

from potbench.batch import Batch
from potbench.potentials import AtomicPotential
from potbench.readouts import Attention, FeedForward
from potbench.representations import AEV
from potbench.training.feature_cache.chain_rule import SizeGroup, jacobians
from potbench.training.feature_cache.derivatives import Derivatives, divide
from potbench.training.feature_cache.table import BatchFeatures

ELEMENTS = ["H", "C", "N", "O"]
ATOMS = [molecule(name) for name in ("CH3OH", "H2O", "CH3CONH2", "NO2", "O")]
READOUTS = {
    "of features alone": lambda elements, num_features: FeedForward(elements, num_features, [16], torch.nn.SiLU),
    "of features and positions": lambda elements, num_features: Attention(elements, num_features, width=16),
}


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def batch() -> Batch:
    for atoms in ATOMS:
        atoms.rattle(0.1, seed=1)
    return Batch.from_arrays(
        np.concatenate([atoms.numbers for atoms in ATOMS]),
        np.concatenate([atoms.positions for atoms in ATOMS]),
        np.array([len(atoms) for atoms in ATOMS]),
        np.zeros(len(ATOMS)),
    )


@pytest.fixture(params=[(readout, standardize) for readout in READOUTS for standardize in (False, True)], ids=str)
def potential(request, batch) -> AtomicPotential:
    torch.manual_seed(0)
    readout, standardize = request.param
    potential = AtomicPotential(ELEMENTS, AEV, READOUTS[readout], standardize=standardize)
    potential.fit_standardization([batch])
    return potential


def with_cached(potential: AtomicPotential, batch: Batch) -> Batch:
    """Return a batch with features, and derivatives in tables of which it needs every second row, in reverse."""
    groups = []
    for molecules in ([0], [1, 3], [2], [4]):
        some = batch.select(molecules)
        rows = torch.arange(2 * len(molecules) - 1, 0, -2)

        def spread(values: torch.Tensor, rows: torch.Tensor = rows) -> torch.Tensor:
            return values.new_full((2 * len(values), *values.shape[1:]), torch.nan).index_copy(0, rows, values)

        own, parts, features = divide(jacobians(potential.features, some).detach(), some.largest_molecule)
        parts = tuple(part._replace(values=spread(part.values)) for part in parts)
        atoms = torch.stack([torch.nonzero(batch.molecule_index == molecule).squeeze(1) for molecule in molecules])
        groups.append(SizeGroup(Derivatives(spread(own), parts, features), rows, atoms))
    return batch._replace(cached=BatchFeatures(potential.features(batch).detach(), tuple(groups)))


def test_derivatives_are_those_of_finite_differences(batch):
    representation, one, step = AEV(ELEMENTS), batch.select([0]), 1e-5
    element = torch.tensor([ELEMENTS.index(chemical_symbols[number]) for number in one.atomic_numbers])

    def features(batch: Batch) -> torch.Tensor:
        return representation(batch, element)

    derivatives = jacobians(features, one)[0].view(6, 3, 6, -1)
    assert derivatives.abs().max() > 0.1
    for atom in range(6):
        for axis in range(3):
            direction = torch.zeros(6, 3)
            direction[atom, axis] = step
            ahead, behind = (features(one.with_positions(one.positions + sign * direction)) for sign in (1, -1))
            expected = (ahead - behind) / (2 * step)
            torch.testing.assert_close(derivatives[atom, axis], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("training", [True, False])
def test_forces_of_cached_derivatives_are_those_of_autograd_to_rounding(potential, batch, training):
    potential.train(training)
    expected = potential(batch, forces=True)
    prediction = potential(with_cached(potential, batch), forces=True)
    torch.testing.assert_close(prediction.energy, expected.energy, rtol=1e-14, atol=0)
    torch.testing.assert_close(prediction.forces, expected.forces, rtol=1e-12, atol=1e-13)


def test_gradients_of_weights_through_cached_derivatives_are_those_of_autograd(potential, batch):
    gradients = []
    for each in (batch, with_cached(potential, batch)):
        potential.zero_grad()
        potential(each, forces=True).forces.square().sum().backward()
        gradients.append([weight.grad.clone() for weight in potential.parameters() if weight.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-10, atol=1e-12)


def test_cached_features_are_dropped_when_molecules_move(potential, batch):
    moved = with_cached(potential, batch).with_positions(batch.positions + 1)
    assert moved.cached is None


@pytest.mark.parametrize("potential", [(readout, True) for readout in READOUTS], ids=str, indirect=True)
@pytest.mark.parametrize(
    ("constant", "value"), [("COST_OF_A_PART", 0), ("COST_OF_A_PART", 10**9), ("MOST_KINDS", 2), ("FRAMES_AT_ONCE", 1)]
)
def test_forces_do_not_depend_on_the_division_into_parts(potential, batch, monkeypatch, constant, value):
    expected = potential(with_cached(potential, batch), forces=True).forces
    monkeypatch.setattr(f"potbench.training.feature_cache.derivatives.{constant}", value)
    torch.testing.assert_close(
        potential(with_cached(potential, batch), forces=True).forces, expected, rtol=1e-12, atol=1e-13
    )
