"""Writes a few molecules in each real file format, and says which numbers went in."""

from tests.native_files.ani1 import write_ani1
from tests.native_files.molecules import MOLECULES, Conformers, conformers

__all__ = ["MOLECULES", "Conformers", "conformers", "write_ani1"]
