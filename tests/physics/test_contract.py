"""What every potential promises before any law: shapes, dtypes, and something to hold the laws against."""

import torch


def test_energies_and_forces_have_the_promised_shapes_and_dtypes(potential, molecules):
    prediction = potential(molecules, forces=True)
    assert prediction.energy.shape == molecules.energy.shape
    assert prediction.energy.dtype == torch.float64
    assert prediction.forces.shape == molecules.positions.shape
    assert prediction.forces.dtype == molecules.positions.dtype


def test_forces_are_given_only_when_asked_for(potential, molecules):
    assert potential(molecules).forces is None


def test_energies_are_the_same_whether_or_not_forces_are_asked_for(potential, molecules):
    assert torch.equal(potential(molecules).energy, potential(molecules, forces=True).energy)


def test_every_molecule_with_bonds_has_forces(potential, molecules):
    largest = potential(molecules, forces=True).forces.norm(dim=1)
    bonded = molecules.atoms_per_molecule[molecules.molecule_index] > 1
    assert largest[bonded].max() > 0.1
    assert (largest[bonded] > 1e-3).all()


def test_different_weights_give_different_energies(seeded, molecules):
    assert (seeded(0)(molecules).energy - seeded(1)(molecules).energy).abs().max() > 0.01
