"""The one DataModule: every dataset goes through it, so that comparisons start from the same data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset
from typing_extensions import override

from potbench.batch import Batch, Statistics
from potbench.datasets.dataset import Dataset as Source
from potbench.datasets.dataset import data_root
from potbench.datasets.published import Published
from potbench.errors import DataFileError
from potbench.loading.collate import gather
from potbench.loading.preparation import find_prepared, prepare
from potbench.loading.sampler import GlobalBatchSampler
from potbench.loading.splits import RandomSplit, Split, SplitIndices
from potbench.loading.statistics import training_statistics
from potbench.loading.store import Store
from potbench.structures import SYMBOLS, IntArray


class AtomsDataModule(LightningDataModule):
    """Frames of one dataset, divided, gathered into batches, with the statistics of the training part.

    Args:
        dataset: where the frames come from.
        split: how they are divided.
        batch_size: frames in a batch, over all processes together.
        evaluation_batch_size: frames in a batch of validation and test; by default the same.
        reference_energies: chemical symbol → energy in eV of that element alone; or `isolated atoms`, where the dataset
            knows them; None fits them by least squares on the training part, which gives the frames of a single
            composition their mean energy.
        root: folder of datasets, downloaded and prepared; by default POTBENCH_DATA or the user's data folder.
        seed: seed of the order of the batches.
        num_workers: processes that gather batches; gathering is fast enough for most uses without any.

    Attributes:
        transform: applied to each batch before it is moved to the device; None for nothing.
    """

    def __init__(
        self,
        dataset: Source,
        split: Split | None = None,
        batch_size: int = 256,
        evaluation_batch_size: int | None = None,
        reference_energies: dict[str, float] | Literal["isolated atoms"] | None = None,
        root: Path | str | None = None,
        seed: int = 0,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        for key, size in {"batch_size": batch_size, "evaluation_batch_size": evaluation_batch_size}.items():
            if size is not None and size < 1:
                raise ValueError(f"data.init_args.{key} is {size}, expected at least 1.")
        self.dataset = dataset
        self.split = split or RandomSplit()
        self.batch_size = batch_size
        self.evaluation_batch_size = evaluation_batch_size or batch_size
        self.reference_energies: dict[str, float] | None = (
            self._isolated_atoms() if reference_energies == "isolated atoms" else reference_energies
        )
        self.root = Path(root) if root else data_root()
        if isinstance(dataset, Published):
            dataset.root = self.root
        self.seed = seed
        self.num_workers = num_workers
        self.transform: Callable[[Batch], Batch] | None = None
        self.store: Store
        self.indices: SplitIndices
        self.statistics: Statistics

    @property
    def elements(self) -> list[str]:
        """Chemical symbols of the dataset, by ascending atomic number; potentials are sized by them."""
        try:
            return self.dataset.elements
        except DataFileError:
            # the files may be gone, once a store stands for them
            prepared = find_prepared(self.dataset, self.root)
            if prepared is None:
                raise
            return [SYMBOLS[number] for number in Store(prepared).manifest["atomic_numbers"]]

    def prepare_data(self) -> None:
        """Convert the dataset into a store, once; later calls find it there."""
        prepare(self.dataset, self.root)

    def setup(self, stage: str) -> None:
        """Open the store, divide it, and learn the statistics of the training part."""
        if hasattr(self, "store"):
            return
        self.store = prepare(self.dataset, self.root)
        self.indices = self.split.divide(self.store)
        self.statistics = training_statistics(self.store, self.indices.train, self.reference_energies)

    def _isolated_atoms(self) -> dict[str, float]:
        energies = self.dataset.atomic_energies()
        if energies is None:
            raise ValueError(
                "data.init_args.reference_energies is 'isolated atoms', but "
                f"{self.dataset.description.name} does not say theirs. "
                "Expected numbers in eV for each element, or null for least squares."
            )
        return dict(energies)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the training part, in a new order each epoch."""
        return self._loader(self.indices.train, self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of the validation part, in order."""
        return self._loader(self.indices.validation, self.evaluation_batch_size)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of the test part, in order."""
        return self._loader(self.indices.test, self.evaluation_batch_size)

    @override
    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        return batch if self.transform is None else self.transform(batch)

    def _loader(self, frames: IntArray, batch_size: int, seed: int | None = None) -> DataLoader[Batch]:
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return DataLoader(
            _Gathered(self),
            batch_sampler=GlobalBatchSampler(frames, batch_size, seed, rank, world_size),  # type: ignore[arg-type]
            collate_fn=_unchanged,  # type: ignore[arg-type]
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=self.trainer is not None and self.trainer.strategy.root_device.type == "cuda",
        )


class _Gathered(Dataset[Batch]):
    """What a DataLoader asks for many frames at once."""

    def __init__(self, data: AtomsDataModule) -> None:
        self.data = data

    def __getitems__(self, frames: IntArray) -> Batch:
        return gather(self.data.store, np.asarray(frames))


def _unchanged(batch: Batch) -> Batch:
    return batch
