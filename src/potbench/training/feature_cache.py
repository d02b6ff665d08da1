"""Features that never change, computed once."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.loading.collate import gather
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential

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
        if potential.representation.constants is None or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
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
        data.features = np.load(file, mmap_mode="r", allow_pickle=False)


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
