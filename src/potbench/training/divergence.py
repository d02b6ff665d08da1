"""Training that diverges is stopped, also while its loss is still a number."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from potbench.batch import Batch, Prediction
from potbench.errors import DivergedError
from potbench.geometry.sums import sum_per_molecule
from potbench.loading import AtomsDataModule
from potbench.loading.collate import gather
from potbench.structures import SYMBOLS
from potbench.training.divergence_cause import likely_cause
from potbench.training.loss import EnergyForcesLoss, Weights

TIMES_AS_LARGE = 1_000
"""How many times as large as those of the offset alone errors are that no training recovers from.

Untrained networks can do worse than the offset, and first steps at a high learning rate worse still. Of all potentials
that potbench has configs for, trained on its sample, no batch had errors more than 3 times as large; with a learning
rate ten times as high, errors that came down again were up to 130 times as large, and those of SchNet, which did not,
70,000 times. A learning rate of 10⁶ gives errors 10¹⁰ times as large at the second step.
"""
LEAST_ERROR = 1.0
"""Errors in eV and eV/Å below which the offset is not taken to be wrong: it can be exact, as for a single frame."""
NUM_FRAMES = 1_000
"""Training frames from which the loss of the offset is computed."""
STEPS_AT_ONCE = 100
"""Losses are compared after so many steps, in one copy from the device."""


class Step(NamedTuple):
    """What is remembered of a step; tensors stay where they were computed.

    Attributes:
        number: of the step, from 1.
        stage: training, or validation before that step.
        limit: loss beyond which training has diverged.
        loss: shape (), of the batch; its mean over all processes is the loss of the global batch.
        losses: shape (molecules,), of each frame of this process.
        frame: shape (molecules,), index of each frame in the store.
    """

    number: int
    stage: Literal["training", "validation"]
    limit: float
    loss: Tensor
    losses: Tensor
    frame: Tensor


class Divergence:
    """Compares the losses of a training with that of the offset: reference energies of the elements, zero forces.

    The host does not wait for the device: it reads the losses of a hundred steps when a hundred more have begun. Those
    of the first step, and all that are left before a validation, a checkpoint or the end of an epoch, are read at once.

    Args:
        loss: what training minimizes; its weights may change over time.
        data: has been set up.
    """

    def __init__(self, loss: EnergyForcesLoss, data: AtomsDataModule) -> None:
        self.loss = loss
        self.store = data.store
        train = data.indices.train
        chosen = train[np.linspace(0, len(train) - 1, min(NUM_FRAMES, len(train))).astype(int)]
        self._frames = in_double(gather(self.store, chosen))
        self._references = data.statistics.reference_energies
        parts = (Weights(1.0, 0.0), Weights(0.0, 1.0))
        self._limits = Weights(*(self._mean(weights, TIMES_AS_LARGE, LEAST_ERROR) for weights in parts))
        self._steps: list[Step] = []
        self._copied: tuple[Tensor, torch.cuda.Event | None, list[Step]] | None = None
        self._before: Step | None = None
        self._is_first = True

    def __str__(self) -> str:
        return (
            f"Loss of the reference energies alone, with zero forces: {self._mean(self._final):.4g} "
            f"(mean over {len(self._frames.energy):,} training frames)."
        )

    def limit(self, weights: Weights | None = None) -> float:
        """Return the loss beyond which training has diverged, by default with the final weights of the loss."""
        energy, forces = weights or self._final
        return energy * self._limits.energy + forces * self._limits.forces

    def of_offset(self, batch: Batch, weights: Weights, times: float = 1.0, least: float = 0.0) -> Tensor:
        """Return the loss of the offset in each frame: shape (molecules,).

        Args:
            batch: on the CPU, in float64.
            weights: of the loss.
            times: factor of the errors.
            least: smallest error in eV and eV/Å, before the factor.
        """
        references = torch.zeros(len(SYMBOLS), dtype=torch.float64)
        for number, energy in self._references.items():
            references[number] = energy
        offset = sum_per_molecule(references[batch.atomic_numbers], batch.molecule_index, len(batch.energy))
        errors = times * (offset - batch.energy).abs().clamp(min=least)
        forces = None if batch.forces is None else batch.forces + times * batch.forces.abs().clamp(min=least)
        losses: Tensor = self.loss(Prediction(batch.energy + errors, forces), batch, weights).detach()
        return losses

    @property
    def _final(self) -> Weights:
        return Weights(self.loss.energy, self.loss.forces)

    def _mean(self, weights: Weights, times: float = 1.0, least: float = 0.0) -> float:
        return float(self.of_offset(self._frames, weights, times, least).mean())

    def add(
        self, task: LightningModule, loss: Tensor, losses: Tensor, frame: Tensor, weights: Weights | None = None
    ) -> None:
        """Remember a step, and read older ones from time to time; a collective call.

        Args:
            task: trains.
            loss: shape (), of the batch.
            losses: shape (molecules,), of its frames.
            frame: shape (molecules,), their indices in the store.
            weights: of the loss in this step; None for the final ones.

        Raises:
            DivergedError: training has diverged.
        """
        stage: Literal["training", "validation"] = "training" if task.trainer.training else "validation"
        step = Step(task.global_step + 1, stage, self.limit(weights), loss.detach(), losses.detach(), frame)
        self._steps.append(step)
        if self._is_first and stage == "training":
            self._is_first = False
            self.require(task)
        elif len(self._steps) == STEPS_AT_ONCE:
            self._judge_copied(task)
            self._copy(task.trainer)

    def require(self, task: LightningModule) -> None:
        """Compare all losses that were not yet compared; a collective call.

        Raises:
            DivergedError: training has diverged.
        """
        self._judge_copied(task)
        if self._steps:
            self._copy(task.trainer)
            self._judge_copied(task)

    def _copy(self, trainer: Trainer) -> None:
        losses = trainer.strategy.reduce(torch.stack([step.loss for step in self._steps]), reduce_op="mean")
        copied = None
        on_host = losses.to("cpu", non_blocking=True)
        if losses.is_cuda:
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record()
        self._copied, self._steps = (on_host, copied, self._steps), []

    def _judge_copied(self, task: LightningModule) -> None:
        if self._copied is None:
            return
        on_host, copied, steps = self._copied
        self._copied = None
        if copied is not None:
            copied.synchronize()
        # so put, NaN is beyond the limit
        losses = zip(on_host.tolist(), steps, strict=True)
        diverged = [number for number, (loss, step) in enumerate(losses) if not loss <= step.limit]
        if diverged:
            first = diverged[0]
            before = steps[first - 1] if first else self._before or steps[0]
            self._stop(task, float(on_host[first]), steps[first], before)
        self._before = steps[-1]

    def _stop(self, task: LightningModule, loss: float, step: Step, before: Step) -> None:
        trainer = task.trainer
        frames, losses = _of_all(step.frame, trainer), _of_all(step.losses, trainer)
        earlier = _of_all(before.frame, trainer)
        # NaN is the largest
        worst = frames[losses.argsort(descending=True)].tolist()
        number = step.number - (step.stage == "validation")
        where = f"in epoch {task.current_epoch + 1}, {'after' if step.stage == 'validation' else 'at'} step {number:,}"
        cause = likely_cause(
            self.store,
            torch.unique(torch.cat([frames, earlier])).numpy(),
            lambda batch: (self.of_offset(in_double(batch), self._final) > self.limit()).numpy(),
            trained=step.number > 1,
        )
        raise DivergedError(
            f"The {step.stage} loss is {loss:.4g} {where}: training has diverged. Expected less than {step.limit:.4g}, "
            f"the loss with errors {TIMES_AS_LARGE:,} times as large as those of the reference energies alone. The "
            f"batch has {len(worst):,} frames; the largest losses are those of {self._names(worst[:5])}. {cause} "
            "Checkpoints of earlier epochs are as they were.",
            task.current_epoch,
            number,
        )

    def _names(self, frames: list[int]) -> str:
        molecules = self.store.molecule_names[self.store.molecule_of(np.array(frames))]
        return ", ".join(f"{frame} ({name})" for frame, name in zip(frames, molecules, strict=True))


def in_double(batch: Batch) -> Batch:
    """Return the same batch with forces in float64: limits are beyond what half precision holds."""
    return batch if batch.forces is None else batch._replace(forces=batch.forces.double())


def _of_all(values: Tensor, trainer: Trainer) -> Tensor:
    """Return the values of all processes, on the CPU; a collective call."""
    return torch.cat(gather_all_tensors(values) if trainer.world_size > 1 else [values]).cpu()
