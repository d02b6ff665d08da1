"""Files of published datasets → Frames."""

from potbench.datasets.ani1 import ANI1
from potbench.datasets.dataset import DataFileError, Dataset, Description

__all__ = ["ANI1", "DataFileError", "Dataset", "Description"]
