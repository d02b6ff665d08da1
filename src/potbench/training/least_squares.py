"""Training of linear potentials by the solution of their normal equations."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import psutil
import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.geometry.sums import sum_per_molecule
from potbench.loading import AtomsDataModule
from potbench.potentials.atomic import AtomicPotential
from potbench.readouts import Linear
from potbench.representations import ACE
from potbench.structures import SYMBOLS
from potbench.training.linear_rows import AT_ONCE, bytes_of_molecule, groups, labels_along, linear_rows
from potbench.training.loss import WITHOUT_ENERGIES, EnergyForcesLoss
from potbench.training.normal_equations import NormalEquations
from potbench.training.one_pass import OnePassTask


class LeastSquaresTask(OnePassTask):
    """Solves a linear atomic cluster expansion on the training set: no seed, no learning rate, one pass.

    The weights minimize the loss plus λ Σ (length of the column · (1 + degree)^p · weight)²: features of high degree,
    which change fast with the positions, are used less. λ is chosen on the validation set: those given are tried in
    order until the loss there rises.

    Args:
        potential: ACE, and a linear readout.
        loss: what is minimized, with squared errors; energies, forces or both.
        regularization: λ to try, relative to the squared length of a column.
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
            kinds = f"{type(potential.representation).__name__} with {type(potential.readout).__name__}"
            expected = "ACE with the readout Linear; others are trained by potbench.training.GradientTask"
            raise SettingError(self, "potential", kinds, expected)
        if potential.standardization is not None:
            expected = "False: columns are scaled where the equations are solved"
            raise SettingError(potential, "standardize", True, expected)
        if not isinstance(self.loss.error, nn.MSELoss) or type(self.loss) is not EnergyForcesLoss:
            raise SettingError(self, "loss", _name(self.loss), "an EnergyForcesLoss of squared errors: least squares")
        if not regularization or not all(0 < strength < math.inf for strength in regularization):
            expected = "one or more numbers, all above zero"
            raise SettingError(self, "regularization", list(regularization), expected)
        if not 0 <= smoothness < math.inf:
            raise SettingError(self, "smoothness", smoothness, "a finite number of at least 0")
        self.regularization = regularization
        self.smoothness = smoothness
        self.equations: NormalEquations | None = None

    @property
    def representation(self) -> ACE:
        """Return that of the potential."""
        return cast(ACE, self.potential.representation)

    @property
    def readout(self) -> Linear:
        """Return that of the potential."""
        return cast(Linear, self.potential.readout)

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
        self.representation.restrict(self._most_neighbors().to(self.device))
        self.readout.resize(self.representation.num_features)
        num_columns = sum(self._sizes)
        equations = NormalEquations(num_columns)
        need, free = (equations.num_bytes + self._bytes_of_batch()) / 2**30, psutil.virtual_memory().available / 2**30
        if need > free and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            problem = (
                f"The equations of {num_columns:,} columns take {need:.1f} GiB of memory, and {free:.1f} GiB are free"
            )
            degrees = list(self.representation.max_degrees)
            raise SettingError(self.representation, "max_degrees", degrees, "smaller degrees", problem)
        if not self.loss.energy:
            self.trainer.print(WITHOUT_ENERGIES)
        self.trainer.print(f"{num_columns:,} columns, whose equations take up to {need:.2f} GiB of memory.")
        self.equations = equations

    @override
    @torch.no_grad()
    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Add the equations of a batch; after the last one, solve, before validation and its checkpoint."""
        equations = cast(NormalEquations, self.equations)
        for group in groups(self.representation, batch, self.loss.needs_forces):
            self._add(group, equations)
        if self.trainer.is_last_batch:
            self._solve(equations)
            self.equations = None
            self.count_step()

    @property
    def _sizes(self) -> list[int]:
        """Return how many columns there are of each element, and at last one for the energy of each."""
        return [*map(len, self.representation.degrees), len(self.potential.elements)]

    @property
    def _data(self) -> AtomsDataModule:
        return cast(AtomsDataModule, self.trainer.datamodule)  # type: ignore[attr-defined]

    def _compositions(self) -> Tensor:
        """Return how many atoms of each element the molecules have: shape (compositions, elements), int64."""
        numbers = [SYMBOLS.index(symbol) for symbol in self.potential.elements]
        return torch.from_numpy(np.unique(self._data.store.composition(self._data.indices.train, numbers), axis=0))

    def _bytes_of_batch(self) -> int:
        """Return about what the equations of a batch take while they are computed."""
        largest = int(self._compositions().sum(dim=1).max())
        of_molecule = bytes_of_molecule(self.representation, largest, self.loss.needs_forces)
        return min(self._data.batch_size * of_molecule, max(AT_ONCE, of_molecule))

    def _most_neighbors(self) -> Tensor:
        """Return how many others of each element an atom of each element has in its molecule, at most."""
        counts = self._compositions()
        own = torch.eye(counts.shape[1], dtype=torch.int64)
        others = counts.unsqueeze(1) - own  # (compositions, center, neighbor)
        return torch.where(counts.unsqueeze(2) > 0, others, 0).amax(dim=0)

    def _add(self, batch: Batch, equations: NormalEquations) -> None:
        element, num_molecules = self.potential.element(batch), len(batch.energy)
        rows = linear_rows(self.representation, batch, element, self.loss.needs_forces)
        weight = torch.ones_like(batch.energy) if batch.weight is None else batch.weight
        if self.loss.energy:
            atoms = batch.atoms_per_molecule if self.loss.per_atom else torch.ones_like(batch.atoms_per_molecule)
            known = 1.0 if batch.energy_known is None else batch.energy_known
            factor = (self.loss.energy * weight * known).sqrt() / atoms
            present = nn.functional.one_hot(element, len(self.potential.elements)).double()
            composition = sum_per_molecule(present, batch.molecule_index, num_molecules)
            offset = composition @ self.potential.offset
            equations.add(torch.cat([rows.energy, composition.T]) * factor, (batch.energy - offset) * factor)
        if rows.slopes is not None and rows.directions is not None and batch.forces is not None:
            known = 1.0 if batch.forces_known is None else batch.forces_known
            factor = (self.loss.forces * weight * known / batch.atoms_per_molecule).sqrt().unsqueeze(1)
            slopes = (rows.slopes * factor).flatten(1)
            no_slope = slopes.new_zeros(len(self.potential.elements), slopes.shape[1])
            labels = labels_along(batch.forces, rows.directions, batch) * -factor
            equations.add(torch.cat([slopes, no_slope]), labels.flatten())

    def _solve(self, equations: NormalEquations) -> None:
        degrees = torch.cat([*self.representation.degrees, self.potential.offset.new_zeros(self._sizes[-1])])
        smallest, best, chosen = math.inf, torch.zeros_like(degrees), 0.0
        solutions = equations.solve((1 + degrees) ** -self.smoothness, self.regularization)
        for strength in self.regularization:
            weights = next(solutions, None)
            if weights is None:
                self.trainer.print(f"Regularization {strength:g}: too weak to solve the equations in double precision")
                break
            self._set(weights)
            loss = self._validation_loss()
            self.trainer.print(f"Regularization {strength:g}: loss on the validation set {loss:.4g}")
            if not loss <= smallest:
                break
            smallest, best, chosen = loss, weights, strength
        if math.isinf(smallest):
            problem = "The equations cannot be solved in double precision"
            raise SettingError(self, "regularization", list(self.regularization), "larger numbers", problem)
        self._set(best)
        self.say_whether_at_an_end("Regularization", self.regularization, chosen)

    def _set(self, weights: Tensor) -> None:
        """Set the weights of the readout from those of the columns, in eV."""
        *parts, bias = torch.split(weights / self.potential.scale, self._sizes)
        for row, part in zip(self.readout.weight, parts, strict=True):
            row[: len(part)] = part * math.sqrt(self.representation.num_features)
        self.readout.bias.copy_(bias)

    def _validation_loss(self) -> float:
        """Return the mean loss of the validation set."""
        losses = []
        for batch in self._data.val_dataloader():
            here = batch.to(self.device)
            losses.append(self.loss(self.potential(here, forces=self.loss.needs_forces), here))
        return float(torch.cat(losses).mean())


def _name(loss: EnergyForcesLoss) -> str:
    return f"{type(loss).__name__} of {type(loss.error).__name__}"
