"""Features that never change, computed once."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.loading import AtomsDataModule
from potbench.loading.collate import gather
from potbench.loading.kept_features import KeptFeatures
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.training.kept_jacobians import kept_jacobians, size_in_memory

FRAMES_AT_ONCE = 1024


class FeatureCache(Callback):
    """Computes a representation without parameters once, before training, instead of at every step.

    For training on energies the features of a whole store are kept beside it. For training on forces, features and
    their derivatives with respect to positions, of the frames that train and validate, are kept in memory.

    Args:
        largest_size: of features, in GiB; larger caches are not made, and a line says so.
        largest_jacobians: the same of features and derivatives, while these are computed; kept, they take less, since
            most of what is zero is left out.
    """

    def __init__(self, largest_size: float = 8.0, largest_jacobians: float = 4.0) -> None:
        self.largest_size = largest_size
        self.largest_jacobians = largest_jacobians

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fill or open the cache, and let the loader deliver from it."""
        data, potential = trainer.datamodule, pl_module.potential  # type: ignore[attr-defined]
        data.kept = None  # of an earlier training, and perhaps of another representation
        if not isinstance(potential, AtomicPotential):
            return
        if potential.representation.constants is None or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if pl_module.loss.forces:  # type: ignore[union-attr]
            self._keep_jacobians(trainer, data, potential)
        else:
            self._keep_features(trainer, data, potential)

    def _keep_features(self, trainer: Trainer, data: AtomsDataModule, potential: AtomicPotential) -> None:
        file = cache_file(data.store, potential)
        size = len(data.store.positions) * potential.representation.num_features * file_dtype().itemsize / 2**30
        if size > self.largest_size:
            trainer.print(
                f"Features are computed at every step: kept, they would take {size:.1f} GiB, above the limit of "
                f"{self.largest_size:g} GiB."
            )
            return
        if trainer.is_global_zero and not file.is_file():
            try:
                fill(file, data.store, potential)
            except OSError as error:
                print(f"Features are computed at every step: they could not be kept ({error}).")
        trainer.strategy.barrier("features")
        if not file.is_file():
            return
        trainer.print(f"Features are computed once and read from {file} ({size:.2f} GiB).")
        data.kept = KeptFeatures(np.load(file, mmap_mode="r", allow_pickle=False))

    def _keep_jacobians(self, trainer: Trainer, data: AtomsDataModule, potential: AtomicPotential) -> None:
        frames = np.concatenate([data.parts.train, data.parts.validation])
        num_epochs = 3 * int(data.store.atoms_of(frames).atoms_per_frame.max())
        if trainer.max_epochs is not None and 0 <= trainer.max_epochs < num_epochs:
            trainer.print(
                f"Features are computed at every step: their derivatives would take longer than {trainer.max_epochs} "
                f"epochs repay; from {num_epochs} epochs on they are kept."
            )
            return
        size = size_in_memory(data.store, frames, potential) / 2**30
        if size > self.largest_jacobians:
            trainer.print(
                f"Features are computed at every step: with their derivatives they would take {size:.1f} GiB of "
                f"memory, above the limit of {self.largest_jacobians:g} GiB."
            )
            return
        data.kept = kept_jacobians(data.store, frames, potential)
        trainer.print(
            f"Features of {len(frames):,} frames and their derivatives are computed once and kept in memory "
            f"({data.kept.nbytes / 2**30:.2f} GiB)."
        )


def file_dtype() -> np.dtype[np.floating]:
    """The precision features are kept in: torch's default."""
    return np.dtype(str(torch.get_default_dtype()).removeprefix("torch."))


def cache_file(store: Store, potential: AtomicPotential) -> Path:
    """Where the features of this store by this representation are, or shall be."""
    facts = [store.fingerprint, potential.representation.constants, str(file_dtype()), torch.__version__]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return store.folder / f"features-{key}.npy"


def fill(file: Path, store: Store, potential: AtomicPotential) -> None:
    """Compute the features of every atom of a store, shape (atoms, features); the file appears when it is complete."""
    # a name of its own: another run may be filling the same cache
    partial = file.with_name(f"{file.stem}-{uuid.uuid4().hex[:8]}.partial")
    shape = (len(store.positions), potential.representation.num_features)
    header = {"descr": file_dtype().str, "fortran_order": False, "shape": shape}
    device = potential.get_buffer("element_of_number").device
    try:
        with partial.open("wb") as stream, torch.no_grad():
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, len(store), FRAMES_AT_ONCE):
                batch = gather(store, np.arange(start, min(start + FRAMES_AT_ONCE, len(store))))
                features = potential.features(batch.to(device)).cpu().numpy()
                stream.write(features.astype(file_dtype()).tobytes())
        partial.replace(file)
    except FileNotFoundError:
        # another run was first, and swept up
        if not file.is_file():
            raise
    finally:
        partial.unlink(missing_ok=True)
    for left_by_a_killed_process in file.parent.glob(f"{file.stem}-*.partial"):
        left_by_a_killed_process.unlink(missing_ok=True)
