"""Validation and test, shared by every way of training."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torchmetrics.utilities.distributed import gather_all_tensors
from typing_extensions import override

from potbench.batch import Batch, Prediction, Statistics
from potbench.errors import SettingError
from potbench.geometry.sums import sum_per_molecule
from potbench.loading.unseen_elements import unseen_elements
from potbench.potentials.atomic import AtomicPotential
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS
from potbench.training.compared import compared
from potbench.training.fine_tuning import FineTuning
from potbench.training.loss import EnergyForcesLoss
from potbench.training.metrics import Metrics
from potbench.training.representative import representative_batches
from potbench.training.supported import require_supported
from potbench.units import reported


class Task(LightningModule):
    """A potential, its loss, and its errors on validation and test set.

    Args:
        potential: what is trained.
        loss: what training minimizes; the best checkpoint has the smallest loss on the validation set.

    Attributes:
        recipe: class and arguments of the task, which checkpoints store, so that they can be loaded alone.
        fine_tuning: what training starts from; None for weights as they were drawn at random.
        metrics: errors of validation and test.
    """

    reference_energies: Tensor

    def __init__(self, potential: Potential, loss: EnergyForcesLoss) -> None:
        super().__init__()
        self.potential = potential
        self.loss = loss
        self.recipe: dict[str, Any] = {}
        self.fine_tuning: FineTuning | None = None
        self.register_buffer("reference_energies", torch.zeros(len(SYMBOLS), dtype=torch.float64), persistent=False)
        self.metrics = nn.ModuleDict()
        self.predicted: list[dict[str, Tensor]] = []

    @override
    def setup(self, stage: str) -> None:
        """Compare the settings with the dataset; before training, fit offset and scale to the training set.

        New weights get both from its statistics; those of a parent keep their scale, and their offset is fitted to what
        the parent leaves. A checkpoint, restored later, replaces either.

        Raises:
            SettingError: the dataset lacks forces that the loss weights, or has elements that the potential lacks; the
                Trainer does what no task supports; or the fine-tuning cannot begin.
        """
        require_supported(self.trainer, stage)
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        has_forces = data.store.forces is not None
        if self.loss.needs_forces and not has_forces:
            setting = "forces" if self.loss.forces else "first_forces"
            weight = getattr(self.loss, setting)
            problem = f"The loss weights forces by {weight}, but {data.store.manifest.name} has no forces"
            raise SettingError(self.loss, setting, weight, "0", problem)
        present = [SYMBOLS[number] for number in data.store.manifest.atomic_numbers]
        unknown = [symbol for symbol in present if symbol not in self.potential.elements]
        if unknown:
            raise SettingError(
                self.potential,
                "elements",
                self.potential.elements,
                f"all elements of the dataset: {', '.join(present)}",
                f"The dataset {data.store.manifest.name} has {', '.join(unknown)}, but the potential was built for "
                f"{', '.join(self.potential.elements)}",
            )
        for label in data.store.manifest.partial:
            count = int(getattr(data.store, f"{label}_known").sum())
            self.trainer.print(
                f"{count:,} of {len(data.store):,} frames have {label}; the others train on what they have."
            )
        unseen = unseen_elements(data.store, data.indices)
        if unseen.elements:
            self.trainer.print(unseen.warning)
        if stage == "fit" and self.potential.repulsion is not None:
            if data.store.energy_unit != "eV":
                problem = f"{data.store.manifest.name} has a property in {data.store.energy_unit} in place of energies"
                raise SettingError(self.potential, "repulsion", True, "False: nuclei repel by an energy", problem)
            data.measure_distances()
        statistics: Statistics = data.statistics
        for number, energy in statistics.reference_energies.items():
            self.reference_energies[number] = energy
        if stage == "fit":
            if self.fine_tuning is None:
                self.potential.adapt(statistics)
                if isinstance(self.potential, AtomicPotential):
                    self.potential.fit_standardization(representative_batches(data))
            else:
                self.trainer.print(self.fine_tuning.begin(self.potential, data))
        # validation measures forces only where they are trained; the test measures all there is to measure
        unit = reported(data.store.energy_unit)[1]
        self.metrics.update({"validation": Metrics(self.loss.needs_forces, unit), "test": Metrics(has_forces, unit)})

    @override
    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self._evaluate(batch, "validation", forces=self.loss.needs_forces)

    @override
    def test_step(self, batch: Batch, batch_index: int) -> None:
        prediction, _ = self._evaluate(batch, "test", forces=batch.forces is not None)
        arrays = {"frame": batch.frame, **compared(batch, prediction)}
        self.predicted.append({name: value.detach() for name, value in arrays.items()})

    @override
    def on_test_start(self) -> None:
        self.predicted = []

    def test_predictions(self) -> dict[str, Tensor]:
        """Return frames, reference values and predictions of the last test, of all processes; a collective call."""
        own = {name: torch.cat([arrays[name] for arrays in self.predicted]) for name in self.predicted[0]}
        if self.trainer.world_size > 1:
            # shares differ in length, which Lightning's all_gather does not allow
            return {name: torch.cat(gather_all_tensors(value)).cpu() for name, value in own.items()}
        return {name: value.cpu() for name, value in own.items()}

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["recipe"] = self.recipe
        # of a task that calls save_hyperparameters: whole modules, while checkpoints are read as plain values alone
        checkpoint.pop(self.CHECKPOINT_HYPER_PARAMS_KEY, None)

    def _evaluate(self, batch: Batch, stage: str, forces: bool) -> tuple[Prediction, Tensor]:
        """Predict a batch and log its errors; return the prediction and the loss of each molecule."""
        prediction: Prediction = self.potential(batch, forces=forces)
        num_molecules = len(batch.energy)
        offset = sum_per_molecule(self.reference_energies[batch.atomic_numbers], batch.molecule_index, num_molecules)
        metrics: Metrics = self.metrics[stage]  # type: ignore[assignment]
        losses: Tensor = self.loss(prediction, batch).detach()
        metrics.update(prediction, batch, offset)
        metrics.loss.update(losses)
        for name, metric in {**metrics.metrics, "loss": metrics.loss}.items():
            self.log(f"{stage}/{name}", metric, on_step=False, on_epoch=True, batch_size=num_molecules)
        return prediction, losses
