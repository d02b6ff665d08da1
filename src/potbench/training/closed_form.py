"""Training by the solution of a linear system."""

from __future__ import annotations

import math

import numpy as np
import torch
from torchmetrics import MeanSquaredError
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.loading import AtomsDataModule
from potbench.potentials.sgdml import SGDML
from potbench.potentials.sgdml_solver import SGDMLSolver, require_memory
from potbench.structures import SYMBOLS, Frames
from potbench.training.loss import EnergyForcesLoss
from potbench.training.one_pass import OnePassTask


class ClosedFormTask(OnePassTask):
    """Solves sGDML on the training set; the length scale of its kernel is chosen on the validation set.

    As in the package sgdml, length scales are tried in order until the RMSE of the validation forces rises again.

    Args:
        potential: what is solved.
        length_scales: σ to try, in Å⁻¹.
    """

    solved = "sGDML"

    def __init__(self, potential: SGDML, length_scales: tuple[int, ...] = tuple(range(10, 100, 10))) -> None:
        super().__init__(potential, EnergyForcesLoss(energy=0.0, forces=1.0))
        if not length_scales or min(length_scales) < 1:
            expected = "one or more whole numbers, all above zero"
            raise SettingError(self, "length_scales", list(length_scales), expected)
        self.length_scales = length_scales
        self.collected: list[Batch] = []

    @override
    def setup(self, stage: str) -> None:
        """Compare the dataset with what sGDML can learn, before any frame is read.

        Raises:
            SettingError: the dataset has no forces or more than one molecule, the kernel matrix does not fit into the
                memory, or the Trainer has more than one epoch or process.
        """
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        name = data.store.manifest.name
        if data.store.forces is None:
            raise _wrong_dataset(name, f"sGDML is solved from forces, and {name} has none", "a dataset with forces")
        frames = np.concatenate(data.indices)
        # one frame stands for its molecule
        atoms = data.store.atoms_of(frames[np.unique(data.store.molecule_of(frames), return_index=True)[1]])
        kinds = {tuple(numbers) for numbers in np.split(atoms.atomic_numbers, np.cumsum(atoms.atoms_per_frame)[:-1])}
        if len(kinds) > 1:
            two = " and ".join(" ".join(SYMBOLS[number] for number in kind) for kind in sorted(kinds)[:2])
            problem = (
                f"sGDML learns one molecule, its atoms in one order, and {name} has {len(kinds)}: {two} among them"
            )
            raise _wrong_dataset(name, problem, "a dataset of one molecule")
        num_atoms = len(next(iter(kinds)))
        if num_atoms < 2:
            problem = f"sGDML compares distances between atoms, and {name} has single atoms"
            raise _wrong_dataset(name, problem, "a dataset of one molecule")
        if stage == "fit":
            self.require_one_pass()
            number = len(data.indices.train)
            if number < 2:
                problem = f"sGDML learns from differences between frames, and there is {number} to train on"
                raise SettingError(AtomsDataModule, "split", None, "two training frames or more", problem)
            if not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
                require_memory(len(data.indices.train), num_atoms, AtomsDataModule, "split")
            self.trainer.num_sanity_val_steps = 0  # before it is solved, sGDML predicts nothing
        if data.store.manifest.partial:
            problem = f"sGDML is solved from the labels of all frames, and some frames of {name} lack theirs"
            raise _wrong_dataset(name, problem, "a dataset whose frames all have energies and forces")
        if data.weights is not None:
            problem = "sGDML is solved from all frames alike, and the data weight them"
            raise SettingError(data, "weights", data.weights, "no weights", problem)
        super().setup(stage)

    @override
    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Collect a batch; after the last one, solve, before validation and its checkpoint."""
        self.collected.append(batch)
        if self.trainer.is_last_batch:
            self._solve(_concatenated(self.collected))
            self.collected = []
            self.count_step()

    def _solve(self, frames: Frames) -> None:
        solver = SGDMLSolver(frames)
        smallest, solved, chosen = math.inf, {}, 0
        for length_scale in self.length_scales:
            arrays = solver.solve(length_scale)
            self.potential.load_state_dict(arrays)
            error = self._validation_error()
            self.trainer.print(f"Length scale {length_scale}: RMSE of the validation forces {error:.4g} eV/Å")
            if not error <= smallest:
                break
            smallest, solved, chosen = error, arrays, length_scale
        if not solved:
            problem = "The equations cannot be solved in double precision"
            raise SettingError(self, "length_scales", list(self.length_scales), "other numbers", problem)
        self.potential.load_state_dict(solved)
        self.say_whether_at_an_end("Length scale", self.length_scales, chosen)

    def _validation_error(self) -> float:
        """Return the RMSE of the forces of the validation set, in eV/Å."""
        rmse = MeanSquaredError(squared=False).set_dtype(torch.float64).to(self.device)
        for batch in self.trainer.datamodule.val_dataloader():  # type: ignore[attr-defined]
            here = batch.to(self.device)
            rmse.update(self.potential(here, forces=True).forces.detach().double(), here.forces.double())
        return float(rmse.compute())


def _wrong_dataset(name: str, problem: str, expected: str) -> SettingError:
    return SettingError(AtomsDataModule, "dataset", name, f"{expected}, or another potential", problem)


def _concatenated(batches: list[Batch]) -> Frames:
    """Return the frames of batches of one molecule."""
    num_atoms = batches[0].largest_molecule
    positions = torch.cat([batch.positions for batch in batches]).view(-1, num_atoms, 3)
    forces = torch.cat([batch.forces for batch in batches if batch.forces is not None]).view(-1, num_atoms, 3)
    return Frames(
        molecule="",
        atomic_numbers=batches[0].atomic_numbers[:num_atoms].cpu().numpy(),
        positions=positions.cpu().numpy(),
        energy=torch.cat([batch.energy for batch in batches]).cpu().numpy(),
        forces=forces.cpu().numpy(),
    )
