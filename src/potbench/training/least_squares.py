"""Training of linear potentials by the solution of their normal equations."""

from __future__ import annotations

import math

import psutil
import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.geometry.sums import sum_per_molecule
from potbench.potentials.atomic import AtomicPotential
from potbench.readouts import Linear
from potbench.representations import ACE
from potbench.structures import SYMBOLS
from potbench.training.linear_rows import LinearRows, labels_along, linear_rows
from potbench.training.loss import EnergyForcesLoss
from potbench.training.normal_equations import NormalEquations
from potbench.training.one_pass import OnePassTask


class LeastSquaresTask(OnePassTask):
    """Solves a linear atomic cluster expansion on the training set; no seed, learning rate or epochs are involved.

    The weights minimize the loss plus λ Σ (norm of the column · (1 + degree)^p · weight)²: features of high degree,
    which change fast with the positions, are used less. λ is chosen on the validation set: those given are tried in
    order until the loss there rises again.

    Args:
        potential: ACE, and a linear readout.
        loss: what is minimized, with squared errors; energies, forces or both.
        regularization: λ to try, relative to the squared norm of a column.
        smoothness: p; 0 uses features of all degrees alike.
    """

    potential: AtomicPotential
    solved = "a linear potential"

    def __init__(
        self,
        potential: AtomicPotential,
        loss: EnergyForcesLoss | None = None,
        regularization: tuple[float, ...] = (1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13),
        smoothness: float = 1.0,
    ) -> None:
        super().__init__(potential, loss or EnergyForcesLoss(energy=10.0, forces=1.0))
        if not isinstance(potential.readout, Linear) or not isinstance(potential.representation, ACE):
            kinds = f"{type(potential.representation).__name__} and {type(potential.readout).__name__}"
            expected = "the representation ACE and the readout Linear; others are trained by potbench.training.GradientTask"
            raise SettingError(self, "potential", kinds, expected)
        if not isinstance(self.loss.error, nn.MSELoss):
            raise SettingError(self.loss, "error", type(self.loss.error).__name__, "torch.nn.MSELoss: least squares")
        if not regularization or min(regularization) <= 0:
            expected = "one or more numbers, all above zero"
            raise SettingError(self, "regularization", list(regularization), expected)
        self.regularization = regularization
        self.smoothness = smoothness
        self.equations: NormalEquations | None = None

    @override
    def setup(self, stage: str) -> None:
        """Leave out products that no molecule has the atoms for, and say how much memory the equations take.

        Raises:
            SettingError: that memory is not free, the Trainer has more than one epoch or process, or the dataset lacks
                what the loss weights.
        """
        super().setup(stage)
        if stage != "fit":
            return
        self.require_one_pass()
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        numbers = [SYMBOLS.index(symbol) for symbol in self.potential.elements]
        counts = torch.from_numpy(data.store.composition(data.indices.train, numbers))
        representation: ACE = self.potential.representation  # type: ignore[assignment]
        # an atom is no neighbor of itself
        most = torch.stack(
            [(counts - counts.new_tensor(center))[counts[:, row] > 0].amax(dim=0) if counts[:, row].any() else counts.new_zeros(len(numbers))
             for row, center in enumerate(torch.eye(len(numbers), dtype=torch.int64).tolist())]
        )
        representation.restrict(most.to(representation.most_neighbors.device))
        self.potential.readout.resize(representation.num_features)  # type: ignore[operator]
        num_columns = sum(map(len, representation.degrees)) + len(numbers)
        self.equations = NormalEquations(num_columns)
        need, free = self.equations.num_bytes / 2**30, psutil.virtual_memory().available / 2**30
        if need > free and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            problem = f"{num_columns:,} columns of normal equations take {need:.1f} GiB of memory, and {free:.1f} are free"
            raise SettingError(representation, "max_degrees", list(representation.settings[0]), "smaller ones", problem)
        self.trainer.print(f"{num_columns:,} columns; their normal equations take up to {need:.1f} GiB of memory.")

    @override
    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Add the equations of a batch; after the last one, solve, before validation and its checkpoint."""
        assert self.equations is not None
        with torch.no_grad():
            self._add(batch, self.equations)
            if self.trainer.is_last_batch:
                self._solve(self.equations)
                self.equations = None
                self.count_step()

    def _add(self, batch: Batch, equations: NormalEquations) -> None:
        representation: ACE = self.potential.representation  # type: ignore[assignment]
        element = self.potential.element(batch)
        num_molecules = len(batch.energy)
        rows = linear_rows(representation, batch, element, self.loss.needs_forces)
        present = torch.nn.functional.one_hot(element, len(self.potential.elements)).double()
        composition = sum_per_molecule(present, batch.molecule_index, num_molecules)
        weight = torch.ones(num_molecules, dtype=torch.float64) if batch.weight is None else batch.weight
        if self.loss.energy:
            strength = self.loss.energy * weight
            if self.loss.per_atom:
                strength = strength / batch.atoms_per_molecule.square()
            if batch.energy_known is not None:
                strength = strength * batch.energy_known
            labels = batch.energy - sum_per_molecule(self.potential.offset[element], batch.molecule_index, num_molecules)
            equations.add(torch.cat([rows.energy, composition.T]) * strength.sqrt(), labels * strength.sqrt())
        if rows.slopes is not None and rows.directions is not None and batch.forces is not None:
            strength = self.loss.forces * weight / batch.atoms_per_molecule
            if batch.forces_known is not None:
                strength = strength * batch.forces_known
            factor = strength.sqrt().unsqueeze(1)
            labels = labels_along(-batch.forces, rows.directions, batch) * factor
            slopes = nn.functional.pad((rows.slopes * factor).flatten(1), (0, 0, 0, len(self.potential.elements)))
            equations.add(slopes, labels.flatten())

    def _solve(self, equations: NormalEquations) -> None:
        representation: ACE = self.potential.representation  # type: ignore[assignment]
        degrees = torch.cat([*representation.degrees, torch.zeros(len(self.potential.elements), dtype=torch.float64)])
        smoothness = (1 + degrees) ** -self.smoothness
        smallest, best = math.inf, torch.zeros_like(smoothness)
        solutions = equations.solve(smoothness, self.regularization)
        for strength, weights in zip(self.regularization, solutions, strict=True):
            self._set(weights)
            error = self._validation_loss()
            self.trainer.print(f"Regularization {strength:g}: loss on the validation set {error:.4g}")
            if error > smallest:
                break
            smallest, best = error, weights
        self._set(best)

    @torch.no_grad()
    def _set(self, weights: Tensor) -> None:
        """Set the weights of the readout from those of the columns, which are in eV."""
        representation: ACE = self.potential.representation  # type: ignore[assignment]
        readout: Linear = self.potential.readout  # type: ignore[assignment]
        *parts, bias = (weights / self.potential.scale).split(
            [*map(len, representation.degrees), len(self.potential.elements)]
        )
        for row, part in zip(readout.weight, parts, strict=True):
            row[: len(part)] = part * math.sqrt(representation.num_features)
        readout.bias.copy_(bias)

    def _validation_loss(self) -> float:
        """Return the mean loss of the validation set."""
        losses = []
        for batch in self.trainer.datamodule.val_dataloader():  # type: ignore[attr-defined]
            here = batch.to(self.device)
            losses.append(self.loss(self.potential(here, forces=self.loss.needs_forces), here))
        return float(torch.cat(losses).mean())
