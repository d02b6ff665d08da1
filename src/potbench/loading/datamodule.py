"""The one DataModule: every dataset goes through it, so that comparisons start from the same data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningDataModule
from typing_extensions import override

from potbench.batch import Batch, Statistics
from potbench.datasets.dataset import Dataset as Source
from potbench.datasets.dataset import data_root
from potbench.datasets.own_file import OwnFile
from potbench.errors import DataFileError, SettingError, require_not_negative, require_positive
from potbench.loading.distances import shortest_distances
from potbench.loading.loader import BatchLoader, Position
from potbench.loading.manifest import Manifest
from potbench.loading.preparation import find_prepared, prepare
from potbench.loading.sampler import EvaluationSampler, GlobalBatchSampler
from potbench.loading.splits import RandomSplit, Split, SplitIndices
from potbench.loading.statistics import training_statistics, unit_of_references
from potbench.loading.store import Store
from potbench.loading.weights import FrameWeights
from potbench.structures import SYMBOLS, FloatArray, IntArray


class AtomsDataModule(LightningDataModule):
    """Frames of one dataset, divided, gathered into batches, with the statistics of the training set.

    Args:
        dataset: where the frames come from.
        split: how they are divided.
        batch_size: frames in a batch, over all processes together.
        evaluation_batch_size: frames in a batch of validation and test, by default the same; fewer of large molecules,
            so that a batch has at most 32 atoms for each.
        reference_energies: chemical symbol → energy in eV of that element; or `isolated atoms`, where the dataset has
            the energies of free atoms; None fits them by least squares on the training set, which gives the frames of
            a single composition their mean energy.
        root: folder of datasets, downloaded and prepared; by default POTBENCH_DATA or the user's data folder.
        seed: seed of the order of the batches.
        num_workers: processes that gather batches; gathering is fast enough for most uses without any.
        weights: how much each frame counts in the loss, such as potbench.loading.EnergyWeights; None: all the same.
        ignore_findings: whether to train even where a first look at the data finds that something is wrong with them,
            such as forces that are gradients, or energies in another unit.
        shuffle: whether batches are drawn at random; else they come in the order of the dataset, one molecule after
            the other, which is for showing what that does to a training.

    Attributes:
        frame_weights: shape (frames of the store,), weight of each frame in the loss, or None.
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
        weights: FrameWeights | None = None,
        ignore_findings: bool = False,
        shuffle: bool = True,
    ) -> None:
        super().__init__()
        require_positive(self, batch_size=batch_size, evaluation_batch_size=evaluation_batch_size)
        require_not_negative(self, seed=seed, num_workers=num_workers)
        self.dataset = dataset
        self.split = split or RandomSplit()
        self.batch_size = batch_size
        self.evaluation_batch_size = evaluation_batch_size or batch_size
        self.reference_energies: dict[str, float] | None = (
            self._isolated_atoms() if reference_energies == "isolated atoms" else reference_energies
        )
        self.root = Path(root) if root else data_root()
        dataset.root = self.root
        self.seed = seed
        self.num_workers = num_workers
        self.weights = weights
        self.ignore_findings = ignore_findings
        self.shuffle = shuffle
        self.transform: Callable[[Batch], Batch] | None = None
        self.store: Store
        self.indices: SplitIndices
        self.statistics: Statistics
        self.frame_weights: FloatArray | None
        self._resumes_at: Position | None = None

    @property
    def elements(self) -> list[str]:
        """Return the chemical symbols of the dataset, by ascending atomic number; potentials are sized by them."""
        # a file of the user's own is read whole to find its elements, which its store knows
        prepared = find_prepared(self.dataset, self.root) if isinstance(self.dataset, OwnFile) else None
        if prepared is None:
            try:
                return self.dataset.elements
            except DataFileError:
                # the files may be gone, once a store was made from them
                prepared = find_prepared(self.dataset, self.root)
                if prepared is None:
                    raise
        return [SYMBOLS[number] for number in Manifest.load(prepared).atomic_numbers]

    def prepare_data(self) -> None:
        """Convert the dataset into a store, once; later calls find it there."""
        prepare(self.dataset, self.root)

    def setup(self, stage: str) -> None:
        """Open the store, divide it, and compute the statistics of the training set."""
        if hasattr(self, "store"):
            return
        self.store = prepare(self.dataset, self.root)
        self.indices = self.split.divide(self.store)
        self.frame_weights = self.weights.of(self.store, self.indices) if self.weights else None
        self.statistics = training_statistics(self.store, self.indices.train, self._references())

    def measure_distances(self) -> None:
        """Add the shortest distances of the training set to its statistics, which few potentials need."""
        found = shortest_distances(self.store, self.indices.train)
        self.statistics = self.statistics._replace(shortest_distances=found)

    @property
    def position(self) -> Position:
        """Return how far training has come."""
        if self.trainer is None:
            return {"epoch": 0, "batches": 0}
        loop = self.trainer.fit_loop
        epoch: Any = loop.epoch_progress.current
        # not those completed: these lag by one while a checkpoint is saved at the end of a batch
        batches = int(loop.epoch_loop.batch_progress.current.processed)  # type: ignore[attr-defined]
        if epoch.started > epoch.processed:
            return {"epoch": epoch.processed, "batches": batches}
        if batches and not loop.epoch_loop._num_ready_batches_reached():
            # an epoch that was broken off, which Lightning counts
            return {"epoch": epoch.processed - 1, "batches": batches}
        return {"epoch": epoch.processed, "batches": 0}

    @override
    def state_dict(self) -> dict[str, Any]:
        return {**self.position, "batch_size": self.batch_size}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Have the training go on where it was broken off.

        Raises:
            SettingError: within an epoch of batches of another size.
        """
        epoch, batches = state_dict["epoch"], state_dict["batches"]
        size = state_dict.get("batch_size", self.batch_size)  # early checkpoints do not know it
        if size != self.batch_size and batches:
            if batches * size < len(self.indices.train):
                problem = f"The training was broken off after {batches:,} batches of an epoch, of {size:,} frames each"
                raise SettingError(self, "batch_size", self.batch_size, f"{size}, until that epoch is over", problem)
            epoch, batches = epoch + 1, 0
        self._resumes_at = Position(epoch=epoch, batches=batches)

    def train_dataloader(self) -> BatchLoader:
        """Return the batches of the training set, in a new order each epoch unless few batches are overfitted.

        Without shuffle they are in the order of the dataset.
        """
        repeats = self.trainer is not None and self.trainer.overfit_batches > 0  # type: ignore[attr-defined]
        seed = self.seed if self.shuffle else None
        draw = partial(GlobalBatchSampler, self.indices.train, self.batch_size, seed, repeats=repeats)
        loader = self._loader(self.indices.train, "batch_size", draw)
        epoch = self.position["epoch"]
        resumes = self._resumes_at is not None and self._resumes_at["epoch"] >= epoch
        # workers draw batches ahead, before Lightning says which epoch it is
        loader.load_state_dict(self._resumes_at if resumes else {"epoch": epoch, "batches": 0})  # type: ignore[arg-type]
        return loader

    def val_dataloader(self) -> BatchLoader:
        """Return the batches of the validation set, in order."""
        return self._evaluation_loader(self.indices.validation)

    def test_dataloader(self) -> BatchLoader:
        """Return the batches of the test set, in order."""
        return self._evaluation_loader(self.indices.test)

    @override
    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        return batch if self.transform is None else self.transform(batch)

    def _isolated_atoms(self) -> dict[str, float]:
        energies = self.dataset.isolated_atom_energies()
        if energies is None:
            raise SettingError(
                self,
                "reference_energies",
                "isolated atoms",
                "a number in eV for each element, or none at all for least squares",
                f"{self.dataset.info.name} does not have the energies of isolated atoms",
            )
        return dict(energies)

    def _references(self) -> dict[int, float] | None:
        given = self.reference_energies
        if given is None:
            return None
        symbols = {number: SYMBOLS[number] for number in self.store.manifest.atomic_numbers}
        missing = [symbol for symbol in symbols.values() if symbol not in given]
        if missing:
            raise SettingError(
                self,
                "reference_energies",
                given,
                f"every element of the dataset: {', '.join(symbols.values())}",
                f"There is no reference energy of {', '.join(missing)}",
            )
        references = {number: given[symbol] for number, symbol in symbols.items()}
        unit = unit_of_references(self.store, self.indices.train, references)
        if self.store.manifest.units.energy == "eV" != unit:
            problem = f"In {unit}, these numbers add up to the energies of the training set"
            raise SettingError(self, "reference_energies", given, "numbers in eV", problem)
        return references

    def _evaluation_loader(self, frames: IntArray) -> BatchLoader:
        draw = partial(EvaluationSampler, frames, self.store.atoms_per_frame(frames), self.evaluation_batch_size)
        return self._loader(frames, "evaluation_batch_size", draw)

    def _loader(self, frames: IntArray, size: str, draw: Callable[..., GlobalBatchSampler]) -> BatchLoader:
        if not len(frames):
            problem = f"The split of {self.store.manifest.name} has no frames for this"
            raise SettingError(self, "split", self.split, "frames in the set that is asked for", problem)
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        if len(frames) < world_size:
            problem = f"{world_size} processes are to share {len(frames)} of {self.store.manifest.name}"
            raise SettingError(
                self, "split", self.split, "a frame for each process: more of them, or fewer devices", problem
            )
        try:
            sampler = draw(rank=rank, world_size=world_size)
        except SettingError as error:
            raise SettingError(self, size, error.value, error.expected, error.problem) from error
        return BatchLoader(self.store, sampler, lambda: self.position, self.frame_weights, self.num_workers)
