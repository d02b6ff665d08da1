"""The potentials, a few molecules, and the exceptions that are declared for them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from potbench.batch import Batch
from potbench.errors import UnknownMoleculeError
from potbench.laws.precision import default_dtype
from potbench.potentials import SGDML, Potential
from potbench.structures import Frames
from tests.physics.exceptions import EXCEPTIONS, entry
from tests.physics.potentials import CONFIGS, build

build_once = cache(build)


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with default_dtype(torch.float64):
        yield


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def config(request: pytest.FixtureRequest) -> Path:
    """Every file of configs/potential. A test that is declared an exception must fail; the reason is reported."""
    reason = EXCEPTIONS.get(entry(request.node))
    if reason is not None:
        fails = pytest.mark.xfail(reason=reason, strict=True, raises=(AssertionError, UnknownMoleculeError))
        request.node.add_marker(fails)
    path: Path = request.param
    return path


@pytest.fixture
def seeded(config: Path) -> Callable[[int], Potential]:
    """Seed → the potential of a config with weights of that seed."""
    return partial(build, config)


@pytest.fixture
def potential(config: Path) -> Potential:
    """The potential of a config with weights of seed 0."""
    return copy.deepcopy(build_once(config, 0))


def rattled(name: str, seed: int) -> Frames:
    """Return a molecule, or an atom, with every atom displaced from where symmetry would put it."""
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
