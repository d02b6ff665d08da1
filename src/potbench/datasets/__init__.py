"""Files of published datasets → Frames."""

from potbench.datasets.ani1 import ANI1
from potbench.datasets.dataset import DataFileError, Dataset, Description
from potbench.datasets.generated import Generated
from potbench.datasets.sample import Sample

__all__ = ["ANI1", "DataFileError", "Dataset", "Description", "Generated", "Sample"]
