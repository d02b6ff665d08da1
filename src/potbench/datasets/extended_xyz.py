"""Extended XYZ: any structures with energies, and forces where there are some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from typing_extensions import override

from potbench.datasets.own_file import OwnFile
from potbench.readers.extended_xyz import FramesOfFile, structures, survey
from potbench.readers.labels import Labels
from potbench.readers.stated import Stated, stated_in
from potbench.readers.structures import conformers
from potbench.readers.survey import Survey
from potbench.structures import Frames


class ExtendedXYZ(OwnFile):
    """Any extended XYZ file, also compressed, or another of structures with energies that ASE reads, such as .traj.

    Such files rarely state their units, so they must be given. Units that the comment lines state, such as
    energy_unit=Ha, are used, and so is a theory.

    A file that was truncated between two frames looks complete: compare the number of frames with its source.
    """

    @override
    def survey(self) -> Survey:
        return survey(self.file, self._frames.first(), self.energy_key)

    @override
    def stated(self) -> Stated:
        return stated_in(self._survey.facts(), energy_key=self.energy_key, forces_key=self.forces_key, file=self.file)

    @override
    def frames(self, labels: Labels) -> Iterator[Frames]:
        yield from conformers(structures(self.file, self._frames.again(), labels), str(self.file))

    @cached_property
    def _frames(self) -> FramesOfFile:
        return FramesOfFile(self.file)
