"""The potentials, a few molecules, and the question whether the one obeys a law on the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.laws import LAWS
from potbench.laws.precision import default_dtype
from potbench.potentials import SGDML, Potential
from potbench.structures import Frames
from tests.physics.exceptions import EXCEPTIONS, in_words
from tests.physics.models import MODELS, build


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with default_dtype(torch.float64):
        yield


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def model(request: pytest.FixtureRequest) -> Path:
    """Every file of configs/model. A test that it is declared to fail has to fail, and is reported with its reason."""
    path: Path = request.param
    reason = EXCEPTIONS.get((path.stem, in_words(request.node.originalname)))
    if reason is not None:
        broken = pytest.mark.xfail(reason=reason, strict=True, raises=(AssertionError, ValueError))
        request.node.add_marker(broken)
    return path


@pytest.fixture
def seeded(model: Path) -> Callable[[int], Potential]:
    """Seed → the potential of a model with weights of that seed."""
    return partial(build, model)


@pytest.fixture
def potential(seeded: Callable[[int], Potential]) -> Potential:
    """The potential of a model with weights of seed 0."""
    return seeded(0)


def rattled(name: str, seed: int) -> Frames:
    """A molecule, or an atom, with no atom quite where symmetry would put it."""
    atoms = Atoms(name) if len(name) == 1 else molecule(name)
    atoms.rattle(0.1, seed=seed)
    return Frames(name, atoms.numbers, atoms.positions[None], np.zeros(1))


@pytest.fixture
def molecules(potential: Potential) -> Batch:
    """Molecules of one to nine atoms, one of them in two shapes, in no order of size; sGDML knows that one alone."""
    names = ["CH3OH", "CH4", "O", "HCN", "H2", "CH3CONH2", "NH3", "H2O", "CH3OH"]
    if isinstance(potential, SGDML):
        names = ["CH3OH"] * len(names)
    return Batch.from_frames(*(rattled(name, seed) for seed, name in enumerate(names)))


@pytest.fixture
def holds(model: Path, potential: Potential, molecules: Batch) -> Callable[[Callable[[Potential, Batch], float]], None]:
    """Law → does the potential obey it? A declared exception has to break it, and is reported with its reason."""

    def assert_holds(function: Callable[[Potential, Batch], float]) -> None:
        law = next(law for law in LAWS if law.function is function)
        reason = EXCEPTIONS.get((model.stem, law.name))
        if reason is None:
            violation = function(potential, molecules)
            assert violation <= law.tolerance, f"{violation:.2e} {law.unit}: {function.__doc__}"
            return
        try:
            violation = function(potential, molecules)
        except ValueError:  # the potential refuses the question
            violation = math.inf
        assert not violation <= law.tolerance, "The law holds after all: take the exception out of the table."
        pytest.xfail(reason)

    return assert_holds
