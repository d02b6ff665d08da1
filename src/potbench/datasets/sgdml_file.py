"""Datasets in the layout of sGDML: one molecule, one .npz file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.readers.npz import stated
from potbench.readers.sgdml import conformers, elements_of, read_sgdml
from potbench.readers.units import energy_unit, forces_unit, length_unit, named
from potbench.structures import Frames


class SGDMLFile(Dataset):
    """Any dataset in the layout of sGDML: z, R, E and F of one molecule, frames in the order of the file.

    F may be missing: such a file has energies alone.

    Source: Chmiela, Sauceda, Poltavsky, Müller, Tkatchenko, Comput. Phys. Commun. 240, 38 (2019),
    doi:10.1016/j.cpc.2019.02.007.

    Args:
        file: the .npz file.
        energy_unit: unit of E: eV, meV, hartree, Ry, kcal/mol or kJ/mol; needed where the file has no e_unit, which
            newer ones have.
        length_unit: unit of R: Å, bohr, nm or pm; needed where the file has no r_unit.
        theory: level of theory; by default the one the file states.
        license: license of the data.
        citation: reference to cite.
        forces_unit: unit of F, such as hartree/bohr; by default that of E per that of R.
    """

    def __init__(
        self,
        file: Path | str,
        energy_unit: str | None = None,
        length_unit: str | None = None,
        theory: str | None = None,
        license: str = "not stated",
        citation: str = "not stated",
        forces_unit: str | None = None,
    ) -> None:
        self.file = Path(file)
        self.energy_unit = named(self, "energy_unit", energy_unit)
        self.length_unit = named(self, "length_unit", length_unit)
        self.forces_unit = named(self, "forces_unit", forces_unit)
        self.theory = theory
        self.license = license
        self.citation = citation

    @property
    @override
    def info(self) -> DatasetInfo:
        arrays = read_sgdml(self.require(self.file))
        theory = self.theory or stated(arrays, self.file).theory or "not stated"
        return DatasetInfo(self.file.stem, theory, self.citation, self.license, has_forces="F" in arrays)

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
        forces = {"forces_unit": self.forces_unit} if self.forces_unit else {}
        return {"energy_unit": self.energy_unit, "length_unit": self.length_unit, **forces}

    @property
    @override
    def given_facts(self) -> Mapping[str, str]:
        facts = {"theory": self.theory, "license": self.license, "citation": self.citation}
        return {name: text for name, text in facts.items() if text and text != "not stated"}

    @override
    def read(self) -> Iterator[Frames]:
        arrays = read_sgdml(self.require(self.file))
        of_file = stated(arrays, self.file)
        energy = energy_unit(self, self.energy_unit, of_file.energy_unit, self.file)
        length = length_unit(self, self.length_unit, of_file.length_unit, self.file)
        force = forces_unit(self, self.forces_unit, of_file.forces_unit, self.file, energy / length)
        yield from conformers(arrays, self.file, self.file.stem, energy, length, forces_unit=force)

    @override
    def remarks(self) -> list[str]:
        arrays = read_sgdml(self.require(self.file))
        left_out = [name for name, array in arrays.items() if name not in "zREF" and array.dtype.kind not in "SU"]
        found = [f"Not read from {self.file.name}: {', '.join(sorted(left_out))}."] if left_out else []
        theory = stated(arrays, self.file).theory
        if theory and self.theory not in {None, theory}:
            found.append(f"{self.file.name} states the level of theory {theory}; recorded is {self.theory}, as given.")
        return found
