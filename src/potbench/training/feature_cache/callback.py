"""The feature cache of a training."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from lightning.fabric.utilities.distributed import _InfiniteBarrier
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins import DoublePrecision
from typing_extensions import override

from potbench.loading import AtomsDataModule
from potbench.loading.seal import is_sealed
from potbench.potentials.atomic import AtomicPotential
from potbench.training.feature_cache.in_memory import in_memory, size_in_memory
from potbench.training.feature_cache.on_disk import cache_file, fill, on_disk, size_on_disk
from potbench.training.feature_cache.shared import open_shared, save_shared
from potbench.training.feature_cache.table import FeatureTable


class FeatureCache(Callback):
    """Computes a representation without parameters once, before training, instead of at every step.

    For training on energies, features of the whole store are cached in a file beside it. For training on forces,
    features of the training and validation set, and their derivatives with respect to positions, are cached in memory.
    Of the processes of a machine, one computes them; on CPUs, all share what it computed, so that limits hold for all
    of them together. Each GPU has its own copy of the derivatives.

    Args:
        largest_size: limit of the features in GiB; larger ones are computed at every step, and a line says so.
        largest_jacobians: limit of features and derivatives in GiB, while they are computed; cached, they take less,
            since most zeros are left out.

    Attributes:
        seconds: spent on computing features, also before the run was resumed.
        cpu_seconds: of all cores, over this time.
    """

    def __init__(self, largest_size: float = 8.0, largest_jacobians: float = 4.0) -> None:
        self.largest_size = largest_size
        self.largest_jacobians = largest_jacobians
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = state_dict["seconds"]
        # early checkpoints have the wall time alone
        self.cpu_seconds = state_dict.get("cpu_seconds", math.nan if self.seconds else 0.0)

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data, potential = trainer.datamodule, pl_module.potential  # type: ignore[attr-defined]
        data.transform = None  # an earlier training may have had another representation
        if not isinstance(potential, AtomicPotential):
            return
        if potential.representation.constants is None or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        make = self._with_derivatives if pl_module.loss.needs_forces else self._features  # type: ignore[union-attr]
        precision = trainer.precision_plugin
        # the potential is in double precision already, and tensors that are made are not
        with precision.tensor_init_context() if isinstance(precision, DoublePrecision) else nullcontext():
            start, cpu_start = time.perf_counter(), time.process_time()
            table = make(trainer, data, potential)
            if table is not None:
                self.seconds += time.perf_counter() - start
                self.cpu_seconds += time.process_time() - cpu_start
        if table is not None:
            data.transform = table.attach

    def _features(self, trainer: Trainer, data: AtomsDataModule, potential: AtomicPotential) -> FeatureTable | None:
        file, size = cache_file(data.store, potential), size_on_disk(data.store, potential) / 2**30
        if size > self.largest_size:
            trainer.print(
                f"Features are computed at every step: cached, they would take {size:.1f} GiB, above the limit of "
                f"{self.largest_size:g} GiB."
            )
            return None
        if file.is_file() and not is_sealed(file):
            trainer.print(f"{file} is not what was written there: its features are computed again.")
        if not _once(trainer, lambda: None if is_sealed(file) else fill(file, data.store, potential)):
            return None
        trainer.print(f"Features are computed once and read from {file} ({size:.2f} GiB).")
        return on_disk(file, data.store)

    def _with_derivatives(
        self, trainer: Trainer, data: AtomsDataModule, potential: AtomicPotential
    ) -> FeatureTable | None:
        frames = np.concatenate([data.indices.train, data.indices.validation])
        num_epochs = 3 * int(data.store.atoms_of(frames).atoms_per_frame.max())
        if trainer.max_epochs is not None and 0 <= trainer.max_epochs < num_epochs:
            trainer.print(
                f"Features are computed at every step: caching their derivatives repays from {num_epochs} epochs on."
            )
            return None
        size = size_in_memory(data.store, frames, potential) / 2**30
        if size > self.largest_jacobians:
            trainer.print(
                f"Features are computed at every step: with their derivatives they would take {size:.1f} GiB of "
                f"memory, above the limit of {self.largest_jacobians:g} GiB."
            )
            return None
        if trainer.world_size == 1:
            table = in_memory(data.store, frames, potential)
        else:
            name = f"derivatives-{trainer.strategy.broadcast(uuid.uuid4().hex[:8])}-{trainer.node_rank}.partial"
            file = Path(trainer.default_root_dir) / name
            if not _once(trainer, lambda: save_shared(in_memory(data.store, frames, potential), file)):
                return None
            table = open_shared(file, trainer.strategy.root_device)
            trainer.strategy.barrier("derivatives")
            # what is mapped into memory stays there
            file.unlink(missing_ok=True)
        trainer.print(
            f"Features of {len(frames):,} frames and their derivatives are computed once and cached in memory "
            f"({table.nbytes / 2**30:.2f} GiB)."
        )
        return table


def _once(trainer: Trainer, make: Callable[[], None]) -> bool:
    """Have the first process of each machine make something, however long it takes; return whether all have it."""
    done = True
    with _InfiniteBarrier():
        if trainer.local_rank == 0:
            try:
                make()
            except OSError as error:
                print(f"Features are computed at every step: they could not be cached ({error}).", flush=True)
                done = False
    return bool(trainer.strategy.reduce_boolean_decision(done))
