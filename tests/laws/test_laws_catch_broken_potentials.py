"""A law that nothing can break tells nothing: each must report a large violation for a potential made to break it."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.laws import LAWS, check
from potbench.laws.precision import default_dtype
from potbench.structures import Frames
from tests.laws import broken_potentials as broken

BREAKS = {
    "shift": [broken.DependsOnTheOrigin],
    "rotation": [broken.DependsOnTheVertical],
    "reflection": [broken.Handed],
    "order of equal atoms": [broken.CountsAtoms],
    "order of atoms": [broken.FavorsTheFirstElement],
    "gradient": [broken.PushesUphill, broken.Drifts, broken.Spins],
    "net force": [broken.Drifts],
    "net torque": [broken.Spins],
    "second derivatives": [broken.ForgetsCurvature],
    "training gradient": [broken.CutsTheGraph],
    "batch mates": [broken.NormalizesTheBatch],
    "order of molecules": [broken.CountsMolecules],
    "batch of one": [broken.CountsMolecules],
    "single atom": [broken.DividesByNeighbors, broken.PushesSingleAtoms],
    "through the cutoff": [broken.CutsHard, broken.CutsForcesHard],
    "work": [broken.StepsInside, broken.StepsBesideAWall],
    "far apart": [broken.HasNoCutoff],
    "single precision": [broken.RoundsTotals],
}
PAIRS = [(law, potential) for law in LAWS for potential in BREAKS[law.name]]


@pytest.fixture(autouse=True)
def _float64():
    with default_dtype(torch.float64):
        yield


@pytest.fixture
def molecules():
    """Molecules of one to six atoms, every atom displaced from where symmetry would put it."""
    frames = []
    for seed, name in enumerate(["CH3OH", "CH4", "NH3", "H2O", "HCN", "O"]):
        atoms = Atoms(name) if len(name) == 1 else molecule(name)
        atoms.rattle(0.1, seed=seed)
        frames.append(Frames(name, atoms.numbers, atoms.positions[None], np.zeros(1)))
    return Batch.from_frames(*frames)


@pytest.mark.parametrize(("law", "potential"), PAIRS, ids=lambda value: getattr(value, "name", None))
def test_laws_catch_what_breaks_them(law, potential, molecules):
    violation = law.function(potential(), molecules)
    assert not violation <= 10 * law.tolerance


def test_laws_pass_a_sound_potential(molecules):
    for law, violation in check(broken.Sound(), molecules):
        assert violation <= law.tolerance, law.name


def test_a_potential_that_breaks_one_symmetry_keeps_the_others(molecules):
    violations = {law.name: (violation, law.tolerance) for law, violation in check(broken.Handed(), molecules)}
    obeyed = ["shift", "rotation", "gradient", "net force", "net torque", "batch mates"]
    assert all(violations[name][0] <= violations[name][1] for name in obeyed)


def test_a_check_is_in_float64_whatever_the_potential_was_trained_in(molecules):
    with default_dtype(torch.float32):
        potential = broken.Sound()
        single = molecules._replace(positions=molecules.positions.float())
        for law, violation in check(potential, single):
            assert violation <= law.tolerance, law.name


def test_a_check_leaves_the_potential_and_the_default_dtype_as_they_were(molecules):
    with default_dtype(torch.float32):
        potential = broken.Sound().train()
        before = {name: value.clone() for name, value in potential.state_dict().items()}
        check(potential, molecules)
        assert potential.training
        assert all(torch.equal(value, before[name]) for name, value in potential.state_dict().items())
        assert torch.get_default_dtype() == torch.float32
