"""Read the files of datasets into Frames."""

from potbench.datasets.ani1 import ANI1
from potbench.datasets.ase_database import ASEDatabase
from potbench.datasets.dataset import Dataset, DatasetInfo, OfficialIndices, data_root
from potbench.datasets.extended_xyz import ExtendedXYZ
from potbench.datasets.flexible import FlexibleMolecules
from potbench.datasets.generated import Generated
from potbench.datasets.iso17 import ISO17
from potbench.datasets.md17 import MD17
from potbench.datasets.published import Published
from potbench.datasets.qm9 import QM9
from potbench.datasets.rmd17 import RMD17
from potbench.datasets.sample import Sample
from potbench.datasets.several import Several
from potbench.datasets.sgdml_file import SGDMLFile
from potbench.downloads.address import Download
from potbench.errors import DataFileError

__all__ = [
    "ANI1",
    "ISO17",
    "MD17",
    "QM9",
    "RMD17",
    "ASEDatabase",
    "DataFileError",
    "Dataset",
    "DatasetInfo",
    "Download",
    "ExtendedXYZ",
    "FlexibleMolecules",
    "Generated",
    "OfficialIndices",
    "Published",
    "SGDMLFile",
    "Sample",
    "Several",
    "data_root",
]
