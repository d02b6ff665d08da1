"""Calculators of ASE by the libraries and by potbench, of networks with the same weights."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
import torch
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from torch import nn

from potbench.inference.calculator import Calculator
from potbench.potentials import SGDML, AtomicPotential
from potbench.potentials.sgdml_solver import SGDMLSolver
from potbench.readouts import FeedForward
from potbench.representations import AEV, Hybrid, PaiNN, SchNet
from potbench.representations.schnetpack_import import schnetpack
from potbench.representations.shifted_softplus import ShiftedSoftplus
from potbench.speed.schnetpack_loop import model_of
from potbench.structures import Frames
from potbench.units import HARTREE

ELEMENTS = ["H", "C", "N", "O"]
SGDML_FRAMES = 50
SGDML_LENGTH_SCALE = 20


def calculators() -> dict[str, Calculator]:
    """Return potbench's calculators by network, with random weights."""
    torch.manual_seed(0)
    hybrid = AtomicPotential(ELEMENTS, Hybrid, partial(FeedForward, hidden_sizes=[128], activation=nn.SiLU), scale=1.0)
    networks = {"ANI": _ani(), "SchNet": _message_passing(SchNet), "PaiNN": _message_passing(PaiNN)}
    return {name: Calculator(network) for name, network in {**networks, "Hybrid": hybrid.eval()}.items()}


def of_libraries(ours: dict[str, Calculator]) -> dict[str, tuple[str, Any]]:
    """Return the name of a library, and its calculator with the weights of ours, for each network that one has."""
    potentials = {name: cast(AtomicPotential, calculator.potential) for name, calculator in ours.items()}
    return {
        "ANI": ("TorchANI", _of_torchani(potentials["ANI"])),
        "SchNet": ("SchNetPack", _of_schnetpack(potentials["SchNet"])),
        "PaiNN": ("SchNetPack", _of_schnetpack(potentials["PaiNN"])),
    }


def of_sgdml(molecule: Atoms) -> tuple[Any, Calculator]:
    """Return sGDML's predictor as a calculator, and potbench's, solved for conformers of a molecule held by springs.

    Raises:
        MissingPackageError: the package is not installed.
    """
    moves = np.random.default_rng(0).normal(0, 0.1, (SGDML_FRAMES, len(molecule), 3))
    energy = (moves**2).sum(axis=(1, 2))
    solver = SGDMLSolver(Frames("molecule", molecule.numbers, molecule.positions + moves, energy, forces=-2 * moves))
    potential = SGDML(ELEMENTS)
    potential.load_state_dict(solver.solve(SGDML_LENGTH_SCALE))
    from sgdml.predict import GDMLPredict

    predictor = GDMLPredict(solver.model(SGDML_LENGTH_SCALE), max_processes=1)

    class Predictor(AseCalculator):  # type: ignore[misc]  # ase is not typed
        """The package's own takes a file, in kcal/mol."""

        implemented_properties: ClassVar = ["energy", "forces"]

        def calculate(self, atoms: Atoms, properties: Any = None, changes: Any = None) -> None:
            """Compute energy and forces."""
            super().calculate(atoms, properties, changes)
            energy, forces = predictor.predict(atoms.positions.reshape(1, -1))
            self.results = {"energy": energy[0], "forces": forces.reshape(-1, 3)}

    return Predictor(), Calculator(potential.eval())


def _ani() -> AtomicPotential:
    """Return ANI with one 384-128-1 network per element, in hartree, as TorchANI's networks are."""
    torch.manual_seed(0)

    def readout(elements: list[str], num_features: int) -> FeedForward:
        return FeedForward(elements, num_features, [128], nn.CELU)

    return AtomicPotential(ELEMENTS, AEV, readout, scale=HARTREE).eval()


def _message_passing(network: type[SchNet] | type[PaiNN]) -> AtomicPotential:
    """Return SchNet or PaiNN of the sizes of SchNetPack's configs, in eV."""
    torch.manual_seed(0)
    activation = nn.SiLU if network is PaiNN else ShiftedSoftplus

    def readout(elements: list[str], num_features: int) -> FeedForward:
        return FeedForward(elements, num_features, [num_features // 2], activation, per_element=False)

    return AtomicPotential(ELEMENTS, network, readout, scale=1.0).eval()


def _of_torchani(potential: AtomicPotential) -> Any:
    from torchani.aev import AEVComputer
    from torchani.arch import ANI
    from torchani.nn import ANINetworks, AtomicNetwork
    from torchani.sae import SelfEnergy

    sizes = (potential.representation.num_features, 128, 1)
    networks = ANINetworks({symbol: AtomicNetwork(sizes, activation=nn.CELU(), bias=True) for symbol in ELEMENTS})
    with torch.no_grad():
        for theirs, ours in zip(networks.parameters(), potential.readout.parameters(), strict=True):
            theirs.copy_(ours)
    aev = AEVComputer.like_1x(num_species=len(ELEMENTS))
    return ANI(ELEMENTS, aev, networks, SelfEnergy(ELEMENTS, [0.0] * len(ELEMENTS))).eval().ase()


def _of_schnetpack(potential: AtomicPotential) -> Any:
    package = schnetpack()
    from schnetpack.interfaces import SpkCalculator

    class Loaded(SpkCalculator):  # type: ignore[misc]  # schnetpack is not typed
        """Takes a model that is there: files of models are pickled ones, which torch loads no longer by default."""

        def _load_model(self, model_file: str) -> Any:
            return model_of(potential).eval()

    neighbors = package.transform.MatScipyNeighborList(potential.cutoff)
    calculator: AseCalculator = Loaded("", neighbors, energy_unit="eV")
    return calculator
