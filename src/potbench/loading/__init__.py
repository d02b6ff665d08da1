"""Frames → Batch: the store, the splits, and the one DataModule."""

from potbench.loading.datamodule import AtomsDataModule
from potbench.loading.splits import Parts, RandomSplit, Split
from potbench.loading.store import Store

__all__ = ["AtomsDataModule", "Parts", "RandomSplit", "Split", "Store"]
