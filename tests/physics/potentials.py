"""Every file of configs/potential, and the potential that it builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import ArgumentParser

from potbench.batch import Statistics
from potbench.laws.precision import default_dtype
from potbench.potentials import SGDML, Potential
from potbench.potentials.sgdml_solver import SGDMLSolver
from tests.native_files.one_molecule import sample_frames
from tests.rivals import skip_without_package

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "potential").glob("*.yaml"))
assert CONFIGS, "configs/potential has no YAML file: there would be nothing to test"

ELEMENTS = ["H", "C", "N", "O"]

# Energies of free atoms, so that totals are as large as in real data, and a spread in eV that gives forces of eV/Å;
# distances at which repulsion, where a potential has it, acts on bonds of the molecules.
SHORTEST = {"H-H": 0.9, "H-C": 1.3, "H-N": 1.2, "H-O": 1.2, "C-C": 1.7, "C-N": 1.4, "C-O": 1.6}
STATISTICS = Statistics({1: -13.6, 6: -1029.9, 7: -1485.3, 8: -2042.6}, 10.0, None, 1, SHORTEST)


def build(config: Path, seed: int) -> Potential:
    """Build the potential of a config, untrained: random weights, reference energies and a scale.

    It is built in single precision, as users' are, and then cast: a constant that is rounded on the way breaks laws.
    sGDML has no weights before it is solved; it is given 20 frames of one molecule, others for another seed.
    """
    skip_without_package(config)
    settings: Any = yaml.safe_load(config.read_text())
    settings.setdefault("init_args", {})["elements"] = ELEMENTS
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Potential, "potential")
    parsed = parser.parse_object({"potential": settings})
    torch.manual_seed(seed)
    with default_dtype(torch.float32):
        potential: Potential = parser.instantiate(parsed).potential
    potential.double().adapt(STATISTICS)
    if isinstance(potential, SGDML):
        frames = sample_frames("CH3OH", start=20 * seed, end=20 * seed + 20)
        potential.load_state_dict(SGDMLSolver(frames).solve(length_scale=10))
    return potential.eval()
