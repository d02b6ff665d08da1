"""Training as TorchANI's users write it, to compare with."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.padding import pad, slots
from potbench.geometry.sums import sum_per_molecule
from potbench.potentials import AtomicPotential
from potbench.representations import AEV
from potbench.speed.ways import Trained


class Padded(NamedTuple):
    """A batch as TorchANI takes it.

    Attributes:
        elements: shape (molecules, atoms), index of each element, −1 where there is no atom.
        positions: shape (molecules, atoms, 3), in Å.
        energy: shape (molecules,), in eV, offset removed, dtype of the positions.
        forces: shape (molecules, atoms, 3), in eV/Å, 0 where there is no atom; None to train on energies alone.
        num_atoms: shape (molecules,).
    """

    elements: Tensor
    positions: Tensor
    energy: Tensor
    forces: Tensor | None
    num_atoms: Tensor


class TorchANILoop:
    """TorchANI's training example without what does not train: AEVComputer, ANINetworks, Adam, mean squared error.

    Its batches are in memory, padded and without offset, as after the `cache()` of TorchANI's datasets: it spends no
    time on loading.

    Source: Gao et al., J. Chem. Inf. Model. 60, 3408 (2020), doi:10.1021/acs.jcim.0c00451; examples/training.py.

    Args:
        start: a potential with AEV and feed-forward networks of one hidden layer, whose weights are copied.
        batches: what to train on, in order.
        forces: whether forces are trained as well.
    """

    def __init__(self, start: AtomicPotential, batches: list[Batch], forces: bool) -> None:
        from torchani.aev import AEVComputer
        from torchani.nn import ANINetworks, AtomicNetwork

        self.name = "TorchANI's own loop"
        self.device = start.offset.device
        assert isinstance(start.representation, AEV)
        self.aev = AEVComputer.like_1x(num_species=len(start.elements)).to(self.device)
        self.weights = [weight.detach().clone() for weight in start.parameters()]
        sizes = (start.representation.num_features, len(self.weights[1]), 1)
        networks = {symbol: AtomicNetwork(sizes, activation=nn.ReLU(), bias=True) for symbol in start.elements}
        self.networks = ANINetworks(networks).to(self.device)
        if not forces:
            batches = [batch._replace(forces=None) for batch in batches]
        self.batches = [_padded(batch.to(self.device), start) for batch in batches]

    def train(self) -> Trained:
        """Do one step for each batch, from the first weights on."""
        with torch.no_grad():
            for weight, first in zip(self.networks.parameters(), self.weights, strict=True):
                weight.copy_(first)
        optimizer = torch.optim.Adam(self.networks.parameters())
        losses = []
        start = time.perf_counter()
        for batch in self.batches:
            loss = self._loss(batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
        values = torch.stack(losses).tolist()  # synchronizes with the device
        seconds = time.perf_counter() - start
        return Trained(sum(len(batch.energy) for batch in self.batches), seconds, values)

    def _loss(self, batch: Padded) -> Tensor:
        positions = batch.positions.detach().requires_grad_(batch.forces is not None)
        energy = self.networks(batch.elements, self.aev(batch.elements, positions))
        loss: Tensor = (energy - batch.energy).square().mean()
        if batch.forces is not None:
            (gradient,) = torch.autograd.grad(energy.sum(), positions, create_graph=True)
            difference = (-gradient - batch.forces).square().sum(dim=(1, 2))
            loss = loss + (difference / batch.num_atoms).mean()
        return loss


def _padded(batch: Batch, start: AtomicPotential) -> Padded:
    element, slot = start.element(batch), slots(batch)
    offset = sum_per_molecule(start.offset[element], batch.molecule_index, len(batch.energy))
    return Padded(
        elements=pad(element, slot, batch, fill=-1),
        positions=pad(batch.positions, slot, batch, fill=0.0),
        energy=(batch.energy - offset).to(batch.positions.dtype),
        forces=None if batch.forces is None else pad(batch.forces, slot, batch, fill=0.0),
        num_atoms=batch.atoms_per_molecule,
    )
