"""ASE databases: any structures with energies, and forces where there are some."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import override

from potbench.datasets.own_file import OwnFile
from potbench.readers.ase_database import rows, stated, structure, survey
from potbench.readers.labels import Labels
from potbench.readers.stated import Stated
from potbench.readers.structures import conformers
from potbench.readers.survey import Survey
from potbench.structures import Frames


class ASEDatabase(OwnFile):
    """Any ASE database, its energies and forces in calculators, key-value pairs or data arrays.

    Units that SchNetPack wrote into a database are used, and those that every row states as key-value pairs; other
    databases do not state theirs.

    Source: Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017), doi:10.1088/1361-648X/aa680e.
    """

    @override
    def survey(self) -> Survey:
        return survey(self.file, self.energy_key)

    @override
    def stated(self) -> Stated:
        return stated(self.require(self.file), self.energy_key, self.forces_key, self._survey.facts())

    @override
    def frames(self, labels: Labels) -> Iterator[Frames]:
        yield from conformers((structure(row, self.file, labels) for row in rows(self.file)), str(self.file))
