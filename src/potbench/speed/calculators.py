"""Calculators of ASE by the libraries and by potbench, of networks with the same weights."""

from __future__ import annotations

from typing import Any

import torch
from ase.calculators.calculator import Calculator as AseCalculator
from torch import nn

from potbench.inference.calculator import Calculator
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV, PaiNN, SchNet
from potbench.representations.schnetpack_import import schnetpack
from potbench.representations.shifted_softplus import ShiftedSoftplus
from potbench.speed.schnetpack_loop import model_of
from potbench.units import HARTREE

ELEMENTS = ["H", "C", "N", "O"]


def pairs_of_calculators() -> dict[str, tuple[str, Any, Calculator]]:
    """Return, for each network, the name of a library, its calculator, and that of potbench: random weights."""
    ani, schnet, painn = _ani(), _message_passing(SchNet), _message_passing(PaiNN)
    return {
        "ANI": ("TorchANI", _of_torchani(ani), Calculator(ani)),
        "SchNet": ("SchNetPack", _of_schnetpack(schnet), Calculator(schnet)),
        "PaiNN": ("SchNetPack", _of_schnetpack(painn), Calculator(painn)),
    }


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
