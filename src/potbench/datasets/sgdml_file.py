"""Datasets in the layout of sGDML: one molecule, one .npz file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.readers.sgdml import conformers, elements_of, read_sgdml, text
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import Frames


class SGDMLFile(Dataset):
    """Any dataset in the layout of sGDML: z, R, E and F of one molecule, frames in the order of the file.

    Source: Chmiela, Sauceda, Poltavsky, Müller, Tkatchenko, Comput. Phys. Commun. 240, 38 (2019),
    doi:10.1016/j.cpc.2019.02.007.

    Args:
        file: the .npz file.
        energy_unit: unit of E; needed where the file has no e_unit, which newer ones have.
        length_unit: unit of R; needed where the file has no r_unit.
        theory: level of theory; by default the one the file states.
        license: license of the data.
        citation: reference to cite.
    """

    def __init__(
        self,
        file: Path | str,
        energy_unit: EnergyUnit | None = None,
        length_unit: LengthUnit | None = None,
        theory: str | None = None,
        license: str = "not stated",
        citation: str = "not stated",
    ) -> None:
        self.file = Path(file)
        self.energy_unit = energy_unit
        self.length_unit = length_unit
        self.theory = theory
        self.license = license
        self.citation = citation

    @property
    @override
    def info(self) -> DatasetInfo:
        theory = self.theory or text(read_sgdml(self.require(self.file)), "theory") or "not stated"
        return DatasetInfo(self.file.stem, theory, self.citation, self.license, has_forces=True)

    @property
    @override
    def elements(self) -> list[str]:
        return elements_of(self.require(self.file))

    @property
    @override
    def files(self) -> list[Path]:
        return [self.file]

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"energy_unit": self.energy_unit, "length_unit": self.length_unit}

    @override
    def read(self) -> Iterator[Frames]:
        arrays = read_sgdml(self.require(self.file))
        energy = energy_unit(self, self.energy_unit, text(arrays, "e_unit"), self.file)
        length = length_unit(self, self.length_unit, text(arrays, "r_unit"), self.file)
        yield from conformers(arrays, self.file, self.file.stem, energy, length)
