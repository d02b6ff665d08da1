"""Training by gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from potbench.batch import Batch
from potbench.limits import SCHEDULE
from potbench.potentials.potential import Potential
from potbench.training.loss import EnergyForcesLoss
from potbench.training.task import Task


class GradientTask(Task):
    """Trains a potential step by step.

    Args:
        potential: what is trained.
        loss: what training makes small.
        optimizer: how weights follow the gradient.
        schedule: learning rate over the steps, such as potbench.training.OneCycle; None keeps it constant.
    """

    def __init__(
        self,
        potential: Potential,
        loss: EnergyForcesLoss | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        schedule: Callable[[Optimizer, int], LRScheduler] | None = None,
    ) -> None:
        super().__init__(potential, loss or EnergyForcesLoss())
        self.optimizer = optimizer
        self.schedule = schedule
        self._forget_loss()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Loss of a batch, the same however many processes share it."""
        # dropout draws by seed, step and process, so that a resumed run draws what an unbroken one would
        seeds = [self.trainer.datamodule.seed, self.global_step, self.global_rank]  # type: ignore[attr-defined]
        seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
        # torch.manual_seed would keep a note for a GPU that never comes, at every step, in a millisecond
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        prediction = self.potential(batch, forces=bool(self.loss.forces))
        losses: Tensor = self.loss(prediction, batch)
        # Shares of a global batch can differ by one molecule, while the gradients of all processes are averaged:
        # each share counts by its molecules, not by one.
        in_all_shares = self.trainer.train_dataloader.batch_sampler.size(batch_index)  # type: ignore[union-attr]
        loss: Tensor = losses.sum() * (self.trainer.world_size / in_all_shares)
        self.loss_of_epoch += losses.detach().sum()
        self.frames_of_epoch += len(losses)
        return loss

    def on_train_start(self) -> None:
        """List what is trained: a run that goes on amid an epoch does not start that epoch again."""
        self._list_trained()

    def on_train_epoch_start(self) -> None:
        """Begin to add up the loss; Lightning's own way of logging takes half a millisecond at every step."""
        self._forget_loss()
        self._list_trained()  # a callback may freeze and thaw weights

    def on_validation_start(self) -> None:
        """Stop a training that has diverged before it is validated, and kept as the last checkpoint."""
        if self.frames_of_epoch:
            self._mean_loss()

    def on_train_epoch_end(self) -> None:
        """Log the mean loss over the frames of the epoch."""
        self.log("train/loss", self._mean_loss().float())

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The gradient of the weights alone.

        Forces made the positions an input as well, whose gradient nobody needs and a fifth of a step would go into.
        """
        torch.autograd.backward(loss, inputs=self._trained)

    def configure_optimizers(self) -> Any:
        """The optimizer, and the schedule moved on at every step."""
        if not self.potential.num_parameters:
            raise ValueError(
                f"{type(self.potential).__name__} has no weights that a gradient could move. Expected some; a kernel "
                "is solved instead: set model.class_path to potbench.training.ClosedFormTask."
            )
        try:
            optimizer = self.optimizer(self.parameters())
        except ValueError as error:
            raise ValueError(f"{error}. Change model.init_args.optimizer.init_args.") from error
        if self.schedule is None:
            return optimizer
        if self.trainer.max_epochs == -1 and self.trainer.max_steps == -1:
            raise ValueError(
                "A learning-rate schedule needs to know where training ends, and trainer.max_epochs is -1. "
                "Expected a number of epochs, or model.init_args.schedule null."
            )
        schedule = self.schedule(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _mean_loss(self) -> Tensor:
        """Mean over the frames of the epoch so far, those of all processes; a collective call."""
        sums = torch.tensor([float(self.loss_of_epoch), self.frames_of_epoch], dtype=torch.float64, device=self.device)
        total, num_frames = self.trainer.strategy.reduce(sums, reduce_op="sum")
        mean: Tensor = total / num_frames
        if not mean.isfinite():
            raise ValueError(
                f"The training loss is {mean.item()} in epoch {self.current_epoch + 1}: training has diverged. Lower "
                f"{SCHEDULE}.max_lr or model.init_args.optimizer.init_args.lr. What earlier epochs kept stands."
            )
        return mean

    def _list_trained(self) -> None:
        # not at every step: to walk through the modules takes 0.4 ms
        self._trained = [weight for weight in self.parameters() if weight.requires_grad]

    def _forget_loss(self) -> None:
        self.loss_of_epoch: float | Tensor = 0.0
        self.frames_of_epoch = 0
