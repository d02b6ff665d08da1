"""Features that never change, computed once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info

from potbench.loading.collate import gather
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.structures import FloatArray

FRAMES_AT_ONCE = 1024


class FeatureCache(Callback):
    """Computes a representation without parameters once, before energy-only training, and keeps it beside the store.

    Training on forces differentiates through the representation and computes it at every step instead.

    Args:
        largest_size: in GiB; larger caches are not made, and a line says so.
    """

    def __init__(self, largest_size: float = 8.0) -> None:
        self.largest_size = largest_size

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fill or open the cache, and let the loader deliver from it."""
        potential = pl_module.potential
        if pl_module.loss.forces or not isinstance(potential, AtomicPotential):  # type: ignore[union-attr]
            return
        if potential.representation.constants is None:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        file = cache_file(data.store, potential)
        size = len(data.store.positions) * potential.representation.num_features * file_dtype().itemsize / 2**30
        if size > self.largest_size:
            rank_zero_info(
                f"Features are computed at every step: kept, they would take {size:.1f} GiB, above the limit of "
                f"{self.largest_size:g} GiB."
            )
            return
        if trainer.is_global_zero and not file.is_file():
            fill(file, data.store, potential)
        trainer.strategy.barrier("features")
        rank_zero_info(f"Features are read from {file} ({size:.2f} GiB).")
        data.features = np.load(file, mmap_mode="r", allow_pickle=False)


def file_dtype() -> np.dtype[np.floating]:
    """The precision features are kept in: torch's default."""
    return np.dtype(str(torch.get_default_dtype()).removeprefix("torch."))


def cache_file(store: Store, potential: AtomicPotential) -> Path:
    """Where the features of this store by this representation are, or shall be."""
    facts = [store.fingerprint, potential.representation.constants, str(file_dtype()), torch.__version__]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return store.folder / f"features-{key}.npy"


def fill(file: Path, store: Store, potential: AtomicPotential) -> FloatArray:
    """Compute the features of every atom of a store; the file appears when it is complete.

    Returns:
        Shape (atoms of the store, features), memory-mapped.
    """
    partial = file.with_suffix(".partial")
    shape = (len(store.positions), potential.representation.num_features)
    features = np.lib.format.open_memmap(partial, mode="w+", dtype=file_dtype(), shape=shape)
    device = potential.get_buffer("element_of_number").device
    row = 0
    with torch.no_grad():
        for start in range(0, len(store), FRAMES_AT_ONCE):
            batch = gather(store, np.arange(start, min(start + FRAMES_AT_ONCE, len(store))))
            on_device = batch._replace(
                **{key: value.to(device) for key, value in batch._asdict().items() if isinstance(value, torch.Tensor)}
            )
            block = potential.features(on_device).cpu().numpy()
            features[row : row + len(block)] = block
            row += len(block)
    features.flush()
    partial.rename(file)
    return features
