"""The one DataModule: every dataset goes through it, so that comparisons start from the same data."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from potbench.datasets.dataset import DataFileError
from potbench.datasets.dataset import Dataset as Source
from potbench.loading.collate import gather
from potbench.loading.sampler import GlobalBatchSampler
from potbench.loading.splits import Parts, RandomSplit, Split
from potbench.loading.statistics import training_statistics
from potbench.loading.store import Store
from potbench.structures import Batch, FloatArray, IntArray, Statistics


def data_root() -> Path:
    """Where prepared datasets are kept: the folder POTBENCH_DATA names, or the user's data folder."""
    return Path(os.environ.get("POTBENCH_DATA") or platformdirs.user_data_dir("potbench"))


class AtomsDataModule(LightningDataModule):
    """Frames of one dataset, divided, gathered into batches, with the statistics of the training part.

    Args:
        dataset: where the frames come from.
        split: how they are divided.
        batch_size: frames in a batch, over all processes together.
        evaluation_batch_size: frames in a batch of validation and test; by default the same.
        reference_energies: chemical symbol → energy in eV of that element alone; None fits them by least squares on
            the training part.
        root: folder of prepared datasets; by default POTBENCH_DATA or the user's data folder.
        seed: seed of the order of the batches.
        num_workers: processes that gather batches; gathering is fast enough for most uses without any.
    """

    def __init__(
        self,
        dataset: Source,
        split: Split | None = None,
        batch_size: int = 256,
        evaluation_batch_size: int | None = None,
        reference_energies: dict[str, float] | None = None,
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
        self.reference_energies = reference_energies
        self.root = Path(root) if root else data_root()
        self.seed = seed
        self.num_workers = num_workers
        self.features: FloatArray | None = None
        self.store: Store
        self.parts: Parts
        self.statistics: Statistics

    @property
    def elements(self) -> list[str]:
        """Chemical symbols of the dataset, by ascending atomic number; potentials are sized by them."""
        return self.dataset.elements

    @property
    def folder(self) -> Path:
        """Folder of the store: the dataset's name, and a key of its files and options."""
        facts = json.dumps([self.dataset.options, self._sources], sort_keys=True, default=str)
        return self.root / f"{self.dataset.description.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"

    def prepare_data(self) -> None:
        """Convert the dataset into a store, once; later calls find it there."""
        if not (self.folder / "manifest.json").is_file():
            print(f"Converting {self.dataset.description.name} into {self.folder}", flush=True)
            Store.write(self.folder, self.dataset.read(), self._origin())

    def setup(self, stage: str) -> None:
        """Open the store, divide it, and learn the statistics of the training part."""
        if hasattr(self, "store"):
            return
        self.store = Store(self.folder)
        self.parts = self.split.divide(self.store)
        self.statistics = training_statistics(self.store, self.parts.train, self.reference_energies)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of the training part, in a new order each epoch."""
        return self._loader(self.parts.train, self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Batches of the validation part, in order."""
        return self._loader(self.parts.validation, self.evaluation_batch_size)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Batches of the test part, in order."""
        return self._loader(self.parts.test, self.evaluation_batch_size)

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

    @cached_property
    def _sources(self) -> list[dict[str, str]]:
        # read once: sums of many gigabytes take their time
        sources = []
        for file in self.dataset.files:
            if not file.exists():
                raise DataFileError(
                    f"{file} does not exist. Expected a file of the dataset {self.dataset.description.name}. "
                    "Change data.init_args.dataset.init_args."
                )
            with file.open("rb") as stream:
                sources.append({"file": file.name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()})
        return sources

    def _origin(self) -> dict[str, object]:
        description = self.dataset.description
        return {
            "name": description.name,
            "theory": description.theory,
            "citation": description.citation,
            "licence": description.licence,
            "units": {"positions": "Å", "energy": "eV", "forces": "eV/Å"},
            "options": {key: str(value) for key, value in self.dataset.options.items()},
            "sources": self._sources,
        }


class _Gathered(Dataset[Batch]):
    """What a DataLoader asks for many frames at once."""

    def __init__(self, data: AtomsDataModule) -> None:
        self.data = data

    def __getitems__(self, frames: IntArray) -> Batch:
        return gather(self.data.store, np.asarray(frames), self.data.features)


def _unchanged(batch: Batch) -> Batch:
    return batch
