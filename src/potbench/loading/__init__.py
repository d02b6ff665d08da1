"""Frames → Batch: the store, the splits, and the one DataModule."""

from potbench.loading.datamodule import AtomsDataModule
from potbench.loading.splits import (
    CompositionSplit,
    IndexSplit,
    KFold,
    MoleculeSplit,
    NestedSplit,
    OfficialSplit,
    RandomSplit,
    ScaffoldSplit,
    SimilaritySplit,
    Split,
    SplitIndices,
    TimeSplit,
)
from potbench.loading.store import Store

__all__ = [
    "AtomsDataModule",
    "CompositionSplit",
    "IndexSplit",
    "KFold",
    "MoleculeSplit",
    "NestedSplit",
    "OfficialSplit",
    "RandomSplit",
    "ScaffoldSplit",
    "SimilaritySplit",
    "Split",
    "SplitIndices",
    "Store",
    "TimeSplit",
]
