"""Validation, test and what they need: shared by every way of training."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics.utilities.distributed import gather_all_tensors

from potbench.batch import Batch, Prediction, Statistics
from potbench.geometry.sums import sum_per_molecule
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS
from potbench.training.loss import EnergyForcesLoss
from potbench.training.metrics import Metrics
from potbench.units import reported


class Task(LightningModule):
    """A potential, the loss it is judged by, and the errors reported of it.

    Args:
        potential: what is trained.
        loss: what training makes small; validation is judged by it too.
    """

    reference_energies: Tensor

    def __init__(self, potential: Potential, loss: EnergyForcesLoss) -> None:
        super().__init__()
        self.potential = potential
        self.loss = loss
        self.recipe: dict[str, Any] = {}
        self.register_buffer("reference_energies", torch.zeros(len(SYMBOLS), dtype=torch.float64), persistent=False)
        self.metrics = nn.ModuleDict()
        self.predicted: list[dict[str, Tensor]] = []

    def setup(self, stage: str) -> None:
        """Refuse what cannot work, before any step; then learn offset and scale from the training part."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        has_forces = data.store.forces is not None
        if self.loss.forces and not has_forces:
            raise ValueError(
                f"The loss weighs forces by {self.loss.forces}, but {data.store.manifest['name']} has no forces. "
                "Set model.init_args.loss.init_args.forces to 0."
            )
        present = [SYMBOLS[number] for number in data.store.manifest["atomic_numbers"]]
        unknown = [symbol for symbol in present if symbol not in self.potential.elements]
        if unknown:
            raise ValueError(
                f"The dataset {data.store.manifest['name']} has {', '.join(unknown)}, but the potential was built for "
                f"{', '.join(self.potential.elements)}. Change model.init_args.potential.init_args.elements, or leave "
                "it out to take those of the dataset."
            )
        statistics: Statistics = data.statistics
        for number, energy in statistics.reference_energies.items():
            self.reference_energies[number] = energy
        if stage == "fit":
            self.potential.adapt(statistics)
        # validation measures forces only where they are trained; the test measures all there is to measure
        unit = reported(data.store.energy_unit)[1]
        self.metrics.update({"validation": Metrics(bool(self.loss.forces), unit), "test": Metrics(has_forces, unit)})

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Count a batch of the validation part."""
        self._evaluate(batch, "validation", forces=bool(self.loss.forces))

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Count a batch of the test part, and keep what was predicted."""
        prediction = self._evaluate(batch, "test", forces=batch.forces is not None)
        kept = {"frame": batch.frame, "energy": batch.energy, "predicted_energy": prediction.energy}
        if batch.forces is not None and prediction.forces is not None:
            kept |= {"forces": batch.forces.flatten(), "predicted_forces": prediction.forces.flatten()}
        self.predicted.append({name: value.detach() for name, value in kept.items()})

    def on_test_start(self) -> None:
        """Forget what an earlier test predicted."""
        self.predicted = []

    def test_predictions(self) -> dict[str, Tensor]:
        """Everything predicted in the last test, over all processes; a collective call."""
        own = {name: torch.cat([kept[name] for kept in self.predicted]) for name in self.predicted[0]}
        if self.trainer.world_size > 1:
            # shares differ in length, which Lightning's own gathering does not allow
            return {name: torch.cat(gather_all_tensors(value)).cpu() for name, value in own.items()}
        return {name: value.cpu() for name, value in own.items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how the task was built, so that the checkpoint can be used alone."""
        checkpoint["recipe"] = self.recipe

    def _evaluate(self, batch: Batch, stage: str, forces: bool) -> Prediction:
        prediction: Prediction = self.potential(batch, forces=forces)
        num_molecules = len(batch.energy)
        offset = sum_per_molecule(self.reference_energies[batch.atomic_numbers], batch.molecule_index, num_molecules)
        metrics: Metrics = self.metrics[stage]  # type: ignore[assignment]
        metrics.update(prediction, batch, offset)
        for name, metric in metrics.metrics.items():
            self.log(f"{stage}/{name}", metric, on_step=False, on_epoch=True, batch_size=num_molecules)
        loss = self.loss(prediction, batch).mean().detach()
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, batch_size=num_molecules, sync_dist=True)
        return prediction
