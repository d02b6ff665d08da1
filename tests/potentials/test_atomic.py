import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch, Statistics
from potbench.errors import SettingError
from potbench.potentials import AtomicPotential
from potbench.readouts import Readout
from potbench.representations import Representation
from potbench.training.feature_cache.table import BatchFeatures
from potbench.units import KCAL_PER_MOL


class Distances(Representation):
    """One feature: distance of an atom from the origin."""

    num_features = 1
    cutoff = 3.0

    def __init__(self, elements):
        super().__init__()

    def forward(self, batch, element):
        return batch.positions.norm(dim=1, keepdim=True)


class Scaled(Readout):
    """The only feature times a weight."""

    def __init__(self, elements, num_features):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, features, batch, element):
        return self.weight * features.squeeze(-1)


def potential_of(elements=("H", "O"), scale=None):
    return AtomicPotential(list(elements), Distances, Scaled, scale)


def statistics(energy_spread=1.0, **references):
    numbers = {"H": 1, "C": 6, "O": 8}
    return Statistics({numbers[symbol]: energy for symbol, energy in references.items()}, energy_spread, None, 10)


@pytest.fixture
def batch():
    positions = np.array([[0.0, 0, 1], [0, 3, 4], [2, 0, 0]])
    return Batch.from_arrays(np.array([8, 1, 1]), positions, np.array([2, 1]), np.zeros(2))


def test_energy_is_offset_plus_scaled_atomic_energies(batch):
    potential = potential_of(scale=0.5)
    potential.adapt(statistics(H=-10.0, O=-2000.0))
    prediction = potential(batch)
    torch.testing.assert_close(prediction.atomic_energies, torch.tensor([1.0, 5.0, 2.0]))
    torch.testing.assert_close(prediction.energy, torch.tensor([-2010.0 + 6.0, -10.0 + 2.0], dtype=torch.float64))


def test_total_energies_are_float64(batch):
    assert potential_of()(batch).energy.dtype == torch.float64


def test_an_energy_as_large_as_that_of_aspirin_keeps_a_billionth_of_an_electronvolt(batch):
    offset = -4.07e5 * KCAL_PER_MOL
    potential = potential_of(scale=1e-9)
    potential.adapt(statistics(H=0.0, O=offset))
    energy = potential(batch).energy[0].item()
    assert batch.positions.dtype == torch.float32
    assert energy - offset == pytest.approx(12e-9, abs=1e-11)


def test_the_offset_does_not_act_on_forces(batch):
    potential = potential_of()
    before = potential(batch, forces=True).forces
    potential.adapt(statistics(H=-10.0, O=-2000.0))
    assert torch.equal(potential(batch, forces=True).forces, before)


def test_references_go_to_their_elements_in_any_order():
    potential = potential_of(elements=("O", "C", "H"))
    potential.adapt(statistics(H=-10.0, C=-1000.0, O=-2000.0))
    assert potential.offset.tolist() == [-2000.0, -1000.0, -10.0]


def test_an_element_without_reference_has_offset_zero():
    potential = potential_of(elements=("C", "H"))
    potential.adapt(statistics(H=-10.0))
    assert potential.offset.tolist() == [0.0, -10.0]


@pytest.mark.parametrize(
    ("given", "spread", "expected"), [(None, 4.0, 4.0), (0.5, 4.0, 0.5), (None, 0.0, 1.0)], ids=str
)
def test_the_scale_is_the_given_one_else_the_spread_of_the_energies(given, spread, expected):
    potential = potential_of(scale=given)
    potential.adapt(statistics(energy_spread=spread))
    assert potential.scale.item() == expected


def test_offset_and_scale_are_saved_with_the_weights(batch):
    potential, restored = potential_of(), potential_of()
    potential.adapt(statistics(energy_spread=4.0, H=-10.0, O=-2000.0))
    restored.load_state_dict(potential.state_dict())
    assert torch.equal(restored(batch).energy, potential(batch).energy)


def test_cached_features_give_the_same_energies(batch):
    potential = potential_of()
    cached = batch._replace(cached=BatchFeatures(potential.features(batch)))
    assert torch.equal(potential(cached).energy, potential(batch).energy)


def test_cached_features_replace_the_geometry(batch):
    potential = potential_of()
    cached = batch._replace(
        cached=BatchFeatures(potential.features(batch)), positions=torch.full_like(batch.positions, torch.nan)
    )
    assert torch.equal(potential(cached).energy, potential(batch).energy)


def test_forces_do_not_trust_cached_features(batch):
    potential = potential_of()
    stale = batch._replace(cached=BatchFeatures(torch.zeros(3, 1)))
    assert torch.equal(potential(stale, forces=True).forces, potential(batch, forces=True).forces)


def test_forces_in_training_reach_the_weights(batch):
    potential = potential_of().train()
    potential(batch, forces=True).forces.pow(2).sum().backward()
    assert potential.readout.weight.grad == pytest.approx(2 * 2.0 * 3)


@pytest.mark.parametrize(("reach", "expected"), [(0.0, 3.0), (2.0, 3.0), (4.0, 4.0), (None, None)], ids=str)
def test_the_cutoff_is_the_longer_one_of_representation_and_readout(reach, expected):
    potential = potential_of()
    potential.readout.cutoff = reach
    assert potential.cutoff == expected


def test_a_scale_that_is_not_above_zero_is_refused():
    with pytest.raises(
        SettingError, match=r"^scale is -1\.0, expected more than 0\. Change the argument scale of Atom"
    ):
        potential_of(scale=-1.0)


class Short(Distances):
    def forward(self, batch, element):
        return super().forward(batch, element)[:-1]


class Detached(Distances):
    def forward(self, batch, element):
        return super().forward(batch, element).detach().numpy()


class Unsized(Representation):
    cutoff = 3.0

    def __init__(self, elements):
        super().__init__()

    def forward(self, batch, element):
        return batch.positions


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Short, r"Short returned shape \(\d+, 1\) for \d+ atoms\. Expected a tensor of shape \(\d+, 1\)"),
        (Detached, r"Detached returned <class 'numpy.ndarray'> for \d+ atoms\. Expected a tensor of shape"),
        (Unsized, r"Unsized does not set self\.num_features, which every representation has"),
    ],
)
def test_a_representation_that_breaks_its_contract_is_named(batch, kind, message):
    with pytest.raises(SettingError, match=message):
        AtomicPotential(["H", "O"], kind, Scaled)(batch)
