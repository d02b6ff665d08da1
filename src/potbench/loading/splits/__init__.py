"""Rules that divide the frames of a store: which train, which validate, which test."""

from potbench.loading.splits.calibration import CalibrationSplit
from potbench.loading.splits.column import ColumnSplit
from potbench.loading.splits.ensemble import EnsembleSplit
from potbench.loading.splits.folds import Folds, KFold
from potbench.loading.splits.groups import CompositionSplit, MoleculeSplit
from potbench.loading.splits.index import IndexSplit
from potbench.loading.splits.nested import NestedSplit
from potbench.loading.splits.official import OfficialSplit
from potbench.loading.splits.random import RandomSplit
from potbench.loading.splits.smiles import ScaffoldSplit, SimilaritySplit
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.splits.time import TimeSplit

__all__ = [
    "CalibrationSplit",
    "ColumnSplit",
    "CompositionSplit",
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
    "TimeSplit",
]
