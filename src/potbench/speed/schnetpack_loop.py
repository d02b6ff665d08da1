"""Training as SchNetPack's users write it, to compare with."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from torch import Tensor

from potbench.batch import Batch
from potbench.potentials import AtomicPotential
from potbench.representations import PaiNN, SchNet
from potbench.representations.schnetpack_import import schnetpack
from potbench.speed.ways import Trained
from potbench.structures import SYMBOLS

Inputs = dict[str, Tensor]


class SchNetPackLoop:
    """SchNetPack's tutorial on force fields without what does not train: its data, its network, Adam, squared errors.

    The process that trains reads an ASE database, makes neighbor lists by matscipy, removes offsets and casts to
    float32; representation, Atomwise and Forces follow.

    Source: Schütt et al., J. Chem. Phys. 158, 144801 (2023), doi:10.1063/5.0138367.

    Args:
        start: a potential with SchNet or PaiNN and a network of one hidden layer, whose weights are copied.
        batches: what to train on, in order.
        loading: whether batches are loaded again in every turn; else they are in memory, neighbor lists included.
    """

    def __init__(self, start: AtomicPotential, batches: list[Batch], loading: bool = True) -> None:
        self.name = "SchNetPack's own loop" if loading else "SchNetPack's network alone"
        self.device = start.offset.device
        self.model = model_of(start).to(self.device)
        self.first = {name: weight.clone() for name, weight in self.model.state_dict().items()}
        self._folder = tempfile.TemporaryDirectory()
        self.batches: Iterable[Inputs] = _loader(start, batches, Path(self._folder.name) / "frames.db")
        if not loading:
            self.batches = list(self.batches)

    def train(self) -> Trained:
        """Do one step for each batch, from the first weights on."""
        self.model.load_state_dict(self.first)
        optimizer = torch.optim.Adam(self.model.parameters())
        losses, num_frames = [], 0
        start = time.perf_counter()
        for batch in self.batches:
            loss = self._loss({name: value.detach().to(self.device) for name, value in batch.items()})
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
            num_frames += len(batch["energy"])
        values = torch.stack(losses).tolist()  # synchronizes with the device
        return Trained(num_frames, time.perf_counter() - start, values)

    def _loss(self, batch: Inputs) -> Tensor:
        energy, forces = batch["energy"], batch["forces"]
        predicted = self.model(batch)
        difference = (predicted["forces"] - forces).square().sum(dim=1) / batch["_n_atoms"][batch["_idx_m"]]
        loss: Tensor = (predicted["energy"] - energy).square().mean() + difference.sum() / len(energy)
        return loss


def model_of(start: AtomicPotential) -> Any:
    """Return SchNetPack's model of energies and forces, with the weights of a potential."""
    package, representation = schnetpack(), start.representation
    assert isinstance(representation, SchNet | PaiNN)
    ours = representation.network
    network = type(ours)(
        ours.n_atom_basis,
        len(ours.interactions),
        package.nn.GaussianRBF(ours.radial_basis.n_rbf, representation.cutoff),
        package.nn.CosineCutoff(representation.cutoff),
        max_z=ours.embedding.num_embeddings,
    )
    network.load_state_dict(ours.state_dict())
    weights = list(start.readout.parameters())
    activation = package.nn.shifted_softplus if isinstance(representation, SchNet) else torch.nn.functional.silu
    atomwise = package.atomistic.Atomwise(
        ours.n_atom_basis, n_hidden=len(weights[1]), activation=activation, output_key="energy"
    )
    with torch.no_grad():
        for theirs, weight in zip(atomwise.parameters(), weights, strict=True):
            theirs.copy_(weight)
    return package.model.NeuralNetworkPotential(
        network,
        input_modules=[package.atomistic.PairwiseDistances()],
        output_modules=[atomwise, package.atomistic.Forces()],
    ).train()


def _loader(start: AtomicPotential, batches: list[Batch], file: Path) -> Any:
    """Return SchNetPack's loader of these batches, from a database that is written for it."""
    package = schnetpack()
    written = package.data.ASEAtomsData.create(
        str(file), distance_unit="Ang", property_unit_dict={"energy": "eV", "forces": "eV/Ang"}
    )
    frames: list[Atoms] = []
    properties, rows = [], []
    for batch in batches:
        rows.append(list(range(len(frames), len(frames) + len(batch.energy))))
        assert batch.forces is not None
        ends = batch.atoms_per_molecule.cumsum(0)[:-1].tolist()
        numbers, positions, forces = (
            np.split(values.numpy(), ends) for values in (batch.atomic_numbers, batch.positions, batch.forces)
        )
        frames += [Atoms(*frame) for frame in zip(numbers, positions, strict=True)]
        energies = batch.energy.numpy()[:, None]
        properties += [{"energy": e, "forces": f} for e, f in zip(energies, forces, strict=True)]
    written.add_systems(property_list=properties, atoms_list=frames)
    remove_offsets = package.transform.RemoveOffsets("energy", remove_atomrefs=True)
    # set as its data module would: the argument takes no table
    remove_offsets.atomref = torch.zeros(len(SYMBOLS), dtype=torch.float64)
    for symbol, energy in zip(start.elements, start.offset.tolist(), strict=True):
        remove_offsets.atomref[SYMBOLS.index(symbol)] = energy
    neighbors = package.transform.MatScipyNeighborList(start.cutoff)
    data = package.data.ASEAtomsData(str(file), transforms=[neighbors, remove_offsets, package.transform.CastTo32()])
    return package.data.AtomsLoader(data, batch_sampler=rows)
