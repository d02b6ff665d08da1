"""Training as `python -m potbench fit` does it: DataModule, Lightning's Trainer and all."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.batch import Batch
from potbench.loading import AtomsDataModule
from potbench.potentials import AtomicPotential
from potbench.runs.cost import Cost
from potbench.speed.ways import Trained
from potbench.training import EnergyForcesLoss, GradientTask
from potbench.training.feature_cache.table import FeatureTable


class PotbenchFit:
    """A run of `fit`, without validation and files; gathering batches from the store is part of its time.

    Args:
        name: what tables call it.
        start: the potential at the start.
        data: where batches come from.
        num_steps: how many steps.
        forces: whether forces are trained as well.
        cached: features computed earlier, or None to compute them at every step.
    """

    def __init__(
        self,
        name: str,
        start: AtomicPotential,
        data: AtomsDataModule,
        num_steps: int,
        forces: bool = False,
        cached: FeatureTable | None = None,
    ) -> None:
        self.name = name
        self.start = start
        self.data = data
        self.num_steps = num_steps
        self.forces = forces
        self.cached = cached

    def train(self) -> Trained:
        """Do one step for each of `first_batches`, from the first weights on."""
        adam = partial(torch.optim.Adam, fused=True)  # as in every config
        task = GradientTask(copy.deepcopy(self.start), EnergyForcesLoss(forces=float(self.forces)), adam)
        cost, losses = Cost(), _Losses()
        batches_per_epoch = len(self.data.train_dataloader())
        self.data.transform = self.cached.attach if self.cached else None
        trainer = Trainer(
            max_steps=self.num_steps,
            max_epochs=math.ceil(self.num_steps / batches_per_epoch),
            callbacks=[cost, losses],
            accelerator=self.start.offset.device.type,
            devices=1,
            limit_val_batches=0,
            inference_mode=False,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, datamodule=self.data)
        return Trained(cost.frames, cost.training_seconds, torch.stack(losses.losses).tolist())


def first_batches(data: AtomsDataModule, num_batches: int) -> list[Batch]:
    """Return the batches of the first steps of a run."""
    return list(islice(_batches(data), num_batches))


def _batches(data: AtomsDataModule) -> Iterator[Batch]:
    """Yield the batches of a run, epoch after epoch."""
    loader = data.train_dataloader()
    for epoch in count():
        loader.batch_sampler.set_epoch(epoch)
        yield from loader


class _Losses(Callback):
    """The loss of each step."""

    def __init__(self) -> None:
        self.losses: list[torch.Tensor] = []

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.losses.append(outputs["loss"].detach().clone())
