"""Frames → Batch: the store, the splits, and the one DataModule."""

from typing import TYPE_CHECKING

from potbench.loading.splits import (
    CalibrationSplit,
    ColumnSplit,
    CompositionSplit,
    EnsembleSplit,
    Folds,
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
from potbench.loading.weights import ColumnWeights, EnergyWeights

if TYPE_CHECKING:
    from potbench.loading.datamodule import AtomsDataModule

__all__ = [
    "AtomsDataModule",
    "CalibrationSplit",
    "ColumnSplit",
    "ColumnWeights",
    "CompositionSplit",
    "EnergyWeights",
    "EnsembleSplit",
    "Folds",
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


def __getattr__(name: str) -> object:
    """Import the DataModule when it is asked for; Lightning takes seconds that `data list` does not need."""
    if name != "AtomsDataModule":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from potbench.loading.datamodule import AtomsDataModule

    return AtomsDataModule
