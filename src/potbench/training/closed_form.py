"""Training in one pass: a kernel is solved."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from potbench.batch import Batch
from potbench.potentials.sgdml import SGDML
from potbench.potentials.sgdml_solver import SGDMLSolver, require_memory
from potbench.structures import SYMBOLS, Frames
from potbench.training.loss import EnergyForcesLoss
from potbench.training.task import Task


class ClosedFormTask(Task):
    """Solves sGDML on the training part; the length scale of its kernel is chosen by the validation part.

    As in the package sgdml, length scales are tried in order until the RMSE of the validation forces rises again.

    Args:
        potential: what is solved.
        length_scales: σ to try, in Å⁻¹.
    """

    def __init__(self, potential: SGDML, length_scales: tuple[int, ...] = tuple(range(10, 100, 10))) -> None:
        super().__init__(potential, EnergyForcesLoss(energy=0.0, forces=1.0))
        if not length_scales or min(length_scales) < 1:
            raise ValueError(
                f"The length scales are {list(length_scales)}, expected one or more whole numbers, all above zero. "
                "Change model.init_args.length_scales."
            )
        self.automatic_optimization = False
        self.length_scales = length_scales
        self.collected: list[Batch] = []

    def setup(self, stage: str) -> None:
        """Refuse what cannot be solved, before any frame is read."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        name = data.store.manifest["name"]
        if data.store.forces is None:
            raise ValueError(
                f"sGDML is solved from forces, and {name} has none. Expected a dataset with forces: change "
                "data.init_args.dataset, or choose another potential (model)."
            )
        frames = np.concatenate(data.indices)
        # one frame stands for its molecule
        atoms = data.store.atoms_of(frames[np.unique(data.store.molecule_of(frames), return_index=True)[1]])
        kinds = {tuple(numbers) for numbers in np.split(atoms.atomic_numbers, np.cumsum(atoms.atoms_per_frame)[:-1])}
        if len(kinds) > 1:
            two = " and ".join(" ".join(SYMBOLS[number] for number in kind) for kind in sorted(kinds)[:2])
            raise ValueError(
                f"sGDML knows one molecule, its atoms in one order, and {name} has {len(kinds)}, {two} among them. "
                "Expected one: change data.init_args.dataset, or choose another potential (model)."
            )
        num_atoms = len(next(iter(kinds)))
        if num_atoms < 2:
            raise ValueError(
                f"sGDML compares distances, and {name} has single atoms. Expected a molecule: change "
                "data.init_args.dataset, or choose another potential (model)."
            )
        if stage == "fit":
            self._refuse_settings()
            if not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
                require_memory(len(data.indices.train), num_atoms)
            self.trainer.num_sanity_val_steps = 0  # there is nothing to validate before it is solved
        super().setup(stage)

    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Collect a batch; with the last one, solve, so that validation and its checkpoint are of what was solved."""
        self.collected.append(batch)
        if self.trainer.is_last_batch:
            self._solve(_joined(self.collected))
            self.collected = []
            self.optimizers().step()  # type: ignore[union-attr]

    def configure_optimizers(self) -> Any:
        """An optimizer with nothing to move: Lightning counts steps by it, and keeps no checkpoint before the first."""
        return torch.optim.SGD([{"params": []}], lr=1.0)

    def _solve(self, frames: Frames) -> None:
        solver = SGDMLSolver(frames)
        best, kept = math.inf, {}
        for length_scale in self.length_scales:
            arrays = solver.solve(length_scale)
            self.potential.load_state_dict(arrays)
            error = self._validation_error()
            self.trainer.print(f"Length scale {length_scale}: RMSE of the validation forces {error:.4g} eV/Å")
            if error > best:
                break
            best, kept = error, arrays
        self.potential.load_state_dict(kept)

    def _validation_error(self) -> float:
        """RMSE of the forces over the validation part, in eV/Å."""
        squares, count = 0.0, 0
        for batch in self.trainer.datamodule.val_dataloader():  # type: ignore[attr-defined]
            here = batch.to(self.device)
            difference = (self.potential(here, forces=True).forces - here.forces).detach().double()
            squares += float(difference.square().sum())
            count += difference.numel()
        return math.sqrt(squares / count)

    def _refuse_settings(self) -> None:
        for key, value in {"max_epochs": self.trainer.max_epochs, "devices": self.trainer.world_size}.items():
            if value != 1:
                raise ValueError(
                    f"trainer.{key} is {value}, and sGDML is solved in one pass, by one process. "
                    f"Set trainer.{key} to 1."
                )


def _joined(batches: list[Batch]) -> Frames:
    """Batches of one molecule as a block of its frames."""
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
