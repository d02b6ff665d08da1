"""Features of a whole store, in a file beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from potbench import __version__
from potbench.loading.collate import gather
from potbench.loading.one_writer import one_writer
from potbench.loading.seal import is_sealed, seal
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.training.feature_cache.table import FeatureTable
from potbench.whole_file import whole_file

FRAMES_AT_ONCE = 1024


def file_dtype() -> np.dtype[np.floating]:
    """Return the precision of cached features: torch's default."""
    return np.dtype(str(torch.get_default_dtype()).removeprefix("torch."))


def size_on_disk(store: Store, potential: AtomicPotential) -> int:
    """Return the bytes that the features of a store take."""
    return len(store.positions) * potential.representation.num_features * file_dtype().itemsize


def cache_file(store: Store, potential: AtomicPotential) -> Path:
    """Return the file for the features of this store by this representation."""
    versions = torch.__version__, __version__
    facts = [store.fingerprint, potential.representation.constants, str(file_dtype()), *versions]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return store.folder / f"features-{key}.npy"


def fill(file: Path, store: Store, potential: AtomicPotential) -> None:
    """Compute the features of every atom of a store and write them to a file, as shape (atoms, features).

    Of several processes that want the file, one computes and the others wait.
    """
    with one_writer(file):
        if not is_sealed(file):
            _write(file, store, potential)


def on_disk(file: Path, store: Store) -> FeatureTable:
    """Open the features of a store, memory-mapped."""
    return FeatureTable(np.load(file, mmap_mode="r", allow_pickle=False), store.first_rows(np.arange(len(store))))


def _write(file: Path, store: Store, potential: AtomicPotential) -> None:
    shape = (len(store.positions), potential.representation.num_features)
    header = {"descr": file_dtype().str, "fortran_order": False, "shape": shape}
    device = potential.get_buffer("element_of_number").device
    try:
        with whole_file(file) as partial, partial.open("wb") as stream, torch.no_grad():
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, len(store), FRAMES_AT_ONCE):
                batch = gather(store, np.arange(start, min(start + FRAMES_AT_ONCE, len(store))))
                features = potential.features(batch.to(device)).cpu().numpy()
                stream.write(features.astype(file_dtype()).tobytes())
    except FileNotFoundError:
        # another run finished first, and deleted this one's partial file
        if not file.is_file():
            raise
    seal(file)
    for left_by_a_killed_process in file.parent.glob(f"{file.name}.*.partial"):
        left_by_a_killed_process.unlink(missing_ok=True)
