"""Training by gradient descent."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics.utilities.distributed import gather_all_tensors
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_not_negative
from potbench.potentials.potential import Potential
from potbench.training import captured_step, compiled_step
from potbench.training.captured_step import CapturedStep, CapturedSteps
from potbench.training.changing_loss import ChangingLoss
from potbench.training.compiled_step import CompiledSteps, common_sizes
from potbench.training.cuda_graph import RECORDERS
from potbench.training.divergence import Divergence
from potbench.training.loss import WITHOUT_ENERGIES, EnergyForcesLoss, Weights
from potbench.training.optimization import Interval, Optimization, ScheduleCallable
from potbench.training.schedule import steps_of
from potbench.training.task import Task

LONG = 10**12
"""More steps than any training has."""


class GradientTask(Task):
    """Trains a potential step by step.

    Args:
        potential: what is trained.
        loss: what training minimizes; by default the squared errors of energies.
        optimizer: how the weights are updated.
        schedule: learning rate over the training, such as potbench.training.OneCycle or
            torch.optim.lr_scheduler.CosineAnnealingLR; None keeps it constant.
        schedule_interval: whether the schedule is advanced after every step or after every epoch; None is after every
            step for one that is planned for the whole training, as potbench's own are, else after every epoch.
        warmup_steps: steps in which the learning rate rises linearly, from near 0, to that of the schedule.
        capture: whether a GPU replays steps with batches of the same shapes, in place of the host starting each of
            their kernels; None where it can. A potential whose steps depend on anything but the batch needs false.
        compile_steps: whether steps with batches of the same shapes are compiled, which takes a minute or two before
            the first. A compiler of C++ is needed, and, on a GPU, Triton.
    """

    loss_of_epoch: float | Tensor
    frames_of_epoch: int

    def __init__(
        self,
        potential: Potential,
        loss: EnergyForcesLoss | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        schedule: ScheduleCallable | None = None,
        schedule_interval: Interval | None = None,
        warmup_steps: int = 0,
        capture: bool | None = None,
        compile_steps: bool = False,
    ) -> None:
        super().__init__(potential, loss or EnergyForcesLoss())
        require_not_negative(self, warmup_steps=warmup_steps)
        self.optimizer = optimizer
        self.schedule = schedule
        self.schedule_interval = schedule_interval
        self.warmup_steps = warmup_steps
        self.capture = capture
        self.compile_steps = compile_steps
        self.optimization: Optimization | None = None  # of a task that makes its own optimizer
        self.divergence: Divergence | None = None
        self.static_steps: CapturedSteps | CompiledSteps | None = None
        self._gradients: tuple[Tensor | None, ...] | None = None
        self.is_captured = self.is_compiled = False  # the last step
        self._forget_loss()

    @override
    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of a batch, the same however many processes share it."""
        weights = self.loss.weights_at(self.global_step)
        # shares of a global batch can differ by one molecule, and Lightning averages the gradients of all processes
        in_all_shares = self.trainer.train_dataloader.batch_sampler.size(batch_index)  # type: ignore[union-attr]
        settings = weights, self.trainer.world_size / in_all_shares * self._share_of_step(batch_index)
        static = None if self.static_steps is None else self.static_steps.find(batch, *settings)
        self.is_captured, self.is_compiled = isinstance(static, CapturedStep), bool(static and static.is_compiled)
        self._seed_step(batch_index)  # a captured step draws from these seeds as well
        if static is None:
            loss, losses = self._losses(batch, *settings)
        else:
            loss, losses, self._gradients = static(batch)
        if self.divergence:
            self.divergence.add(self, loss, losses, batch.frame, weights)
        self.loss_of_epoch += losses.detach().sum()
        self.frames_of_epoch += len(losses)
        return loss

    @override
    def on_fit_start(self) -> None:
        """Plan the loss, and compute what training has to outdo; callbacks that try settings have come before."""
        # the momentum of neurons without gradients fades below 1e-38, where processors are many times slower; threads
        # that torch has started earlier go on without, so that `fit` asks for it first
        torch.set_flush_denormal(True)
        # a trial of one step is the beginning of a training of any length
        is_trial = self.trainer.fast_dev_run  # type: ignore[attr-defined]
        self.loss.plan(lambda: LONG if is_trial else steps_of(self.trainer))
        self.divergence = Divergence(self.loss, self.trainer.datamodule)  # type: ignore[attr-defined]
        self.trainer.print(self.divergence)
        if not self.loss.energy:
            self.trainer.print(WITHOUT_ENERGIES)

    @override
    def on_fit_end(self) -> None:
        torch.set_flush_denormal(False)
        self.static_steps = None  # with its memory
        self.divergence = None  # a validation on its own is none of a training

    @override
    def on_train_start(self) -> None:
        if self.capture and (reason := captured_step.obstacle(self)):
            self.trainer.print(f"Training steps are not captured: {reason}.")
        if self.compile_steps and (reason := compiled_step.obstacle(self)):
            self.trainer.print(f"Training steps are not compiled: {reason}.")
        # a run that is resumed within an epoch does not start that epoch again
        self._list_trained()

    @override
    def on_train_epoch_start(self) -> None:
        self._forget_loss()
        self._list_trained()  # a callback may freeze weights

    @override
    def on_validation_start(self) -> None:
        """Stop a training that has diverged, before a checkpoint of it is saved."""
        self._require_convergence()

    @override
    def on_validation_epoch_end(self) -> None:
        self._require_convergence()

    @override
    def validation_step(self, batch: Batch, batch_index: int) -> None:
        _, losses = self._evaluate(batch, "validation", forces=self.loss.needs_forces)
        if self.divergence:
            self.divergence.add(self, losses.mean(), losses, batch.frame)

    @override
    def on_train_epoch_end(self) -> None:
        """Log the mean loss over the frames of the epoch."""
        self._require_convergence()
        # Lightning warns of what is the same in all processes, unless told to take the mean
        self.log("train/loss", self._mean_loss().float(), sync_dist=True)

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the sums of the epoch so far, of each process; a training that has diverged is not saved.

        Raises:
            DivergedError: it has.
        """
        super().on_save_checkpoint(checkpoint)
        self._require_convergence()
        sums = torch.tensor([float(self.loss_of_epoch), self.frames_of_epoch], dtype=torch.float64, device=self.device)
        of_all = gather_all_tensors(sums) if self.trainer.world_size > 1 else [sums]
        checkpoint["loss_of_epoch"] = [of_one.tolist() for of_one in of_all]
        if isinstance(self.loss, ChangingLoss):
            checkpoint["planned_steps"] = self.loss.num_steps

    @override
    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        nothing = [0.0, 0.0]
        sums = checkpoint.get("loss_of_epoch", [nothing])
        if len(sums) != self.trainer.world_size:
            total = [sum(column) for column in zip(*sums, strict=True)]
            sums = [total, *[nothing] * (self.trainer.world_size - 1)]
        loss, num_frames = sums[self.global_rank]
        self.loss_of_epoch, self.frames_of_epoch = loss, int(num_frames)
        if isinstance(self.loss, ChangingLoss):
            self.loss.num_steps = checkpoint.get("planned_steps", self.loss.num_steps)

    @override
    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        if self._gradients is None:
            # of the weights alone: the gradient of the positions, an input for forces, would take a fifth of the step
            torch.autograd.backward(loss, inputs=self._trained)
            return
        for weight, gradient in zip(self._trained, self._gradients, strict=True):
            weight.grad = gradient
        self._gradients = None

    @override
    def configure_optimizers(self) -> Any:
        """Return the optimizer, and what sets its learning rate.

        Raises:
            SettingError: the potential has no weights, or optimizer and schedule do not accept their arguments.
        """
        if not self.potential.num_parameters:
            name = type(self.potential).__name__
            raise SettingError(
                self,
                "potential",
                name,
                "a potential with weights; a kernel is solved by potbench.training.ClosedFormTask",
                f"{name} has no weights that could be trained by gradient",
            )
        self.optimization = Optimization(self, self.optimizer, self.schedule, self.schedule_interval, self.warmup_steps)
        return self.optimization.configure(self.parameters())

    @override
    def lr_scheduler_step(self, scheduler: LRScheduler, metric: Any | None) -> None:
        def advance() -> None:
            super(GradientTask, self).lr_scheduler_step(scheduler, metric)

        if self.optimization is None:
            advance()
        else:
            self.optimization.advance(scheduler, advance)

    def _losses(self, batch: Batch, weights: Weights, share: float) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, and of its molecules.

        Args:
            batch: the molecules.
            weights: of energies and forces.
            share: of each molecule in the loss of the batch.
        """
        prediction = self.potential(batch, forces=weights.forces > 0)
        losses: Tensor = self.loss(prediction, batch, weights)
        return losses.sum() * share, losses

    def _share_of_step(self, batch_index: int) -> float:
        """Return by what a loss is multiplied: Lightning divides by the batches of a step, also where an epoch ends."""
        batches, all_batches = self.trainer.accumulate_grad_batches, int(self.trainer.num_training_batches)
        last = all_batches % batches
        return batches / last if last and batch_index >= all_batches - last else 1.0

    def _seed_step(self, batch_index: int) -> None:
        # random numbers (dropout) depend on seeds, step and process alone: a resumed run equals an uninterrupted one
        seeds = [self.trainer.datamodule.seed, self.global_step, self.global_rank]  # type: ignore[attr-defined]
        seeds.append(int(os.environ.get("PL_GLOBAL_SEED", "0")))  # seed_everything
        if self.trainer.accumulate_grad_batches > 1:
            seeds.append(batch_index)  # several batches to a step
        seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
        # torch.manual_seed would record a seed for GPUs that are not there as well, in a millisecond of every step
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _mean_loss(self) -> Tensor:
        """Return the mean over the frames of the epoch so far, those of all processes; a collective call."""
        sums = torch.tensor([float(self.loss_of_epoch), self.frames_of_epoch], dtype=torch.float64, device=self.device)
        total, num_frames = self.trainer.strategy.reduce(sums, reduce_op="sum")
        mean: Tensor = total / num_frames
        return mean

    def _require_convergence(self) -> None:
        if self.divergence:
            self.divergence.require(self)

    def _list_trained(self) -> None:
        # once an epoch: visiting all modules takes 0.4 ms
        self._trained = [weight for weight in self.parameters() if weight.requires_grad]
        captures = self.capture is not False and not captured_step.obstacle(self)
        compiles = self.compile_steps and not compiled_step.obstacle(self)
        if not captures and not compiles:
            self.static_steps = None
            return
        if self.static_steps is None:
            say = self.trainer.print
            compiled = CompiledSteps(self._losses, self._sizes(), say) if compiles else None
            recorder = RECORDERS.get(self.device.type) if captures else None
            self.static_steps = CapturedSteps(self._losses, recorder, say, compiled) if recorder else compiled
        assert self.static_steps is not None
        self.static_steps.begin_epoch(self, self._trained)

    def _sizes(self) -> set[int]:
        sampler = self.trainer.train_dataloader.batch_sampler  # type: ignore[union-attr]
        return common_sizes([sampler.size(number) for number in range(len(sampler))])

    def _forget_loss(self) -> None:
        # added up here, since self.log would take half a millisecond of every step
        self.loss_of_epoch = 0.0
        self.frames_of_epoch = 0
