"""ANI-1: twenty million off-equilibrium conformers of organic molecules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.errors import DataFileError, SettingError
from potbench.readers.checks import check_frames
from potbench.readers.hdf5 import natural_order, open_hdf5
from potbench.readers.stated import Claim, Stated, stated_in
from potbench.structures import SYMBOLS, Frames
from potbench.units import HARTREE

FREE_ATOMS = {"H": -0.4993212, "C": -37.8338334, "N": -54.5732825, "O": -75.0424519}
"""Energies of free atoms at ωB97X/6-31G(d), in hartree."""

READ = ("species", "coordinates", "energies", "smiles", "coordinatesHE", "energiesHE")
GROUP = re.compile(r"gdb11_s(\d+)")
"""Name of the group of a published file, with the number of heavy atoms."""
LAYOUT = "Expected the layout of ANI-1: species, coordinates and energies in each group."


class ANI1(Published):
    """ANI-1 in its original HDF5 files, ani_gdb_s01.h5 to ani_gdb_s08.h5.

    Total energies (ωB97X/6-31G(d)) and positions of 57,462 molecules of H, C, N and O with one to eight heavy atoms.
    There are no forces. High-energy conformers (`energiesHE`) are left out, as in the literature.

    Source: Smith, Isayev, Roitberg, Sci. Data 4, 170193 (2017), doi:10.1038/sdata.2017.193.

    Args:
        folder: folder of the ani_gdb_sNN.h5 files; by default where `data prepare` puts them.
        heavy_atoms: which files to read, by the number of heavy atoms: 1 is ani_gdb_s01.h5; by default all eight.
    """

    published = DatasetInfo(
        name="ani1",
        theory="ωB97X/6-31G(d)",
        citation="Smith, Isayev, Roitberg, Sci. Data 4, 170193 (2017), doi:10.1038/sdata.2017.193",
        license="CC0 1.0",
        has_forces=False,
        molecules=57_462,
        frames=22_057_374,
        elements=("H", "C", "N", "O"),
        size="not stated",
    )

    def __init__(self, folder: Path | str | None = None, heavy_atoms: list[int] | None = None) -> None:
        super().__init__(folder)
        self._claim = Claim(self.published.theory, "hartree")
        self._left_out: set[str] = set()
        self.heavy_atoms = heavy_atoms or [1, 2, 3, 4, 5, 6, 7, 8]
        wrong = sorted(set(self.heavy_atoms) - set(range(1, 9)))
        if wrong:
            raise SettingError(
                self,
                "heavy_atoms",
                heavy_atoms,
                "numbers from 1 to 8",
                f"heavy_atoms asks for {wrong}, but ANI-1 has files 1 to 8",
            )

    @property
    @override
    def elements(self) -> list[str]:
        return ["H", "C", "N", "O"]

    @property
    @override
    def files(self) -> list[Path]:
        return [self.folder / f"ani_gdb_s{number:02d}.h5" for number in self.heavy_atoms]

    @property
    @override
    def downloads(self) -> list[Download]:
        url = "https://ndownloader.figshare.com/files/9057631"
        names = [f"ani_gdb_s{number:02d}.h5" for number in range(1, 9)]
        members = tuple((f"ANI-1_release/{name}", name) for name in names)
        return [Download((url,), "ANI1_release.tar.gz", members=members)]

    @property
    @override
    def options(self) -> dict[str, object]:
        return {} if len(self.heavy_atoms) == 8 else {"heavy_atoms": self.heavy_atoms}

    @override
    def isolated_atom_energies(self) -> Mapping[str, float]:
        """Return the energies of free atoms in eV that TorchANI lists for this level of theory."""
        return {symbol: energy * HARTREE for symbol, energy in FREE_ATOMS.items()}

    @override
    def remarks(self) -> list[str]:
        names = ", ".join(sorted(self._left_out))
        if not names:
            return []
        return [
            f"Left out: {names}, which have the shape of the positions. ANI-1 was published without forces; in some "
            "copies they are gradients, of the opposite sign."
        ]

    @override
    def read(self) -> Iterator[Frames]:
        self._left_out.clear()
        for heavy_atoms, file in zip(self.heavy_atoms, self.files, strict=True):
            with open_hdf5(self.require(file)) as root:
                yield from self._read_file(root, file, heavy_atoms)

    def _read_file(self, root: h5py.File, file: Path, heavy_atoms: int) -> Iterator[Frames]:
        molecules = [group[name] for group in root.values() for name in sorted(group, key=natural_order)]
        if not molecules:
            raise DataFileError(f"{file} holds no molecule. Expected groups such as gdb11_s01/gdb11_s01-0.")
        for group in root:
            number = GROUP.fullmatch(group)
            if number and int(number[1]) != heavy_atoms:
                raise DataFileError(
                    f"{file} holds {group}, the molecules of {int(number[1])} heavy atoms. Expected those of "
                    f"{heavy_atoms}, as in the published file of this name. Replace it by that."
                )
        of_file = {name: value for holder in (root, *root.values()) for name, value in _attributes(holder).items()}
        for molecule in molecules:
            where = f"{file}, group {molecule.name}"
            if not isinstance(molecule, h5py.Group):
                raise DataFileError(f"{file}: {molecule.name} is no group. {LAYOUT}")
            missing = {"species", "coordinates", "energies"} - set(molecule)
            if missing:
                raise DataFileError(f"{where}, has no {', '.join(sorted(missing))}. {LAYOUT}")
            species, coordinates, energies = (molecule[key] for key in ("species", "coordinates", "energies"))
            # checked before reading: a damaged length could request all the memory
            if coordinates.shape != (*energies.shape, *species.shape, 3):
                raise DataFileError(
                    f"{where}: species, coordinates and energies have the shapes {species.shape}, {coordinates.shape} "
                    f"and {energies.shape}, expected (atoms,), (frames, atoms, 3) and (frames,)."
                )
            symbols = [symbol.decode() for symbol in species[:]]
            unknown = set(symbols) - set(SYMBOLS[1:])
            if unknown:
                raise DataFileError(f"{where}: {sorted(unknown)} are no chemical symbols.")
            more = {name: molecule[name] for name in molecule if name not in READ}
            arrays = {"energy": energies, "positions": coordinates}
            self._claim.require(_stated(of_file, molecule, arrays, more), "ANI-1", file)
            shapes = {name: getattr(item, "shape", None) for name, item in more.items()}
            self._left_out.update(name for name, shape in shapes.items() if shape == coordinates.shape)
            frames = Frames(
                molecule=molecule.name.rsplit("/", 1)[-1],
                atomic_numbers=np.array([SYMBOLS.index(symbol) for symbol in symbols], dtype=np.uint8),
                positions=coordinates[:],
                energy=energies[:].astype(np.float64) * HARTREE,
                smiles=_smiles(molecule),
            )
            yield check_frames(frames, where)


def _stated(
    of_file: Mapping[str, object], molecule: h5py.Group, arrays: Mapping[str, h5py.Dataset], more: Mapping[str, Any]
) -> Stated:
    """Return what a file says of a molecule.

    Args:
        of_file: attributes of the file; those of the molecule come before them.
        molecule: its group.
        arrays: property → its array, whose attributes may have a unit.
        more: name → what else is in the group: texts are facts as well.
    """
    facts = {**of_file, **_attributes(molecule)}
    facts |= {name: item[()] for name, item in more.items() if getattr(item, "shape", None) == ()}
    attributes = {name: _attributes(array) for name, array in arrays.items()}
    units = {name: found.get("units", found.get("unit")) for name, found in attributes.items() if found}
    return (
        stated_in(facts | ({"units": units} if units else {}), file=molecule.file.filename)
        if facts or units
        else Stated()
    )


def _attributes(holder: h5py.HLObject) -> dict[str, object]:
    return dict(holder.attrs) if len(holder.attrs) else {}


def _smiles(molecule: h5py.Group) -> str | None:
    # an array of single characters, which some copies of the files lack
    return b"".join(molecule["smiles"][:].tolist()).decode() if "smiles" in molecule else None
