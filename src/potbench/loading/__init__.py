"""Frames → Batch: the store, the splits, and the one DataModule."""

from potbench.loading.datamodule import AtomsDataModule
from potbench.loading.splits import OfficialSplit, Parts, RandomSplit, Split
from potbench.loading.store import Store

__all__ = ["AtomsDataModule", "OfficialSplit", "Parts", "RandomSplit", "Split", "Store"]
