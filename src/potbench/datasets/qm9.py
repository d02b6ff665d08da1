"""QM9: equilibrium structures of 134 thousand small molecules."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePath
from typing import Literal, get_args

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.downloads.archive import DAMAGE
from potbench.downloads.tar_member import TarMember, require_end
from potbench.errors import DataFileError, SettingError
from potbench.readers.ase_database import has, num_rows, rows, stated, structure
from potbench.readers.labels import Labels
from potbench.readers.stated import Claim
from potbench.readers.structures import Structure, conformers
from potbench.readers.units import energy_unit, length_unit
from potbench.structures import SYMBOLS, Frames
from potbench.units import HARTREE

FIGSHARE = ("https://ndownloader.figshare.com/files/", "https://springernature.figshare.com/ndownloader/files/")
ARCHIVE, UNCHARACTERIZED, DATABASE = "dsgdb9nsd.xyz.tar.bz2", "uncharacterized.txt", "qm9.db"
SINGLE = "dsgdb9nsd_*.xyz"
MOLECULES = 133_885
LARGEST_FILE = 2**16
"""Bytes of the file of a molecule; those of QM9 have up to 3,000."""
LEFT_OUT = 3_054
Target = Literal["U0", "U", "H", "G", "zpve", "homo", "lumo", "gap", "mu", "alpha", "r2", "Cv", "A", "B", "C"]

# order of the properties behind `gdb <number>` in the comment line of a raw file
ORDER = ("A", "B", "C", "mu", "alpha", "homo", "lumo", "gap", "r2", "zpve", "U0", "U", "H", "G", "Cv")
# units of those that are no energies, as published
OTHER_UNITS = {"A": "GHz", "B": "GHz", "C": "GHz", "mu": "D", "alpha": "a0³", "r2": "a0²", "Cv": "cal/mol/K"}
# names of each target in databases that SchNetPack made
KEYS = {
    "U0": ("energy_U0",),
    "U": ("energy_U",),
    "H": ("enthalpy_H",),
    "G": ("free_energy", "free_G", "energy_G"),
    **{name: (name,) for name in ("zpve", "homo", "lumo", "gap")},
    **{name: (f"rotational_constant_{name}", f"rc{name}") for name in "ABC"},
    "mu": ("dipole_moment", "mu"),
    "alpha": ("isotropic_polarizability", "alpha"),
    "r2": ("electronic_spatial_extent", "r2"),
    "Cv": ("heat_capacity", "Cv"),
}
# B3LYP/6-31G(2df,p) energies of free atoms in hartree, from atomref.txt of the dataset
FREE_ATOMS = {
    "U0": {"H": -0.500273, "C": -37.846772, "N": -54.583861, "O": -75.064579, "F": -99.718730},
    "U": {"H": -0.498857, "C": -37.845355, "N": -54.582445, "O": -75.063163, "F": -99.717314},
    "H": {"H": -0.497912, "C": -37.844411, "N": -54.581501, "O": -75.062219, "F": -99.716370},
    "G": {"H": -0.510927, "C": -37.861317, "N": -54.598897, "O": -75.079532, "F": -99.733544},
}


class QM9(Published):
    """Energies, or another property, of 133,885 molecules of up to nine C, N, O, F atoms at equilibrium.

    There are no forces. The 3,054 molecules whose SMILES changed upon relaxation are left out by default.

    Source: Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 1, 140022 (2014), doi:10.1038/sdata.2014.22.

    Args:
        target: which property: the energy at 0 K (U0) or 298.15 K (U), enthalpy (H), free energy (G), zero-point
            vibration (zpve), orbitals (homo, lumo) or their gap, all in eV; or, in its published unit, dipole moment
            (mu), polarizability (alpha), spatial extent (r2), heat capacity (Cv) or a rotational constant (A, B, C).
        uncharacterized: whether to include the 3,054 molecules.
        folder: folder of dsgdb9nsd.xyz.tar.bz2, or of its files dsgdb9nsd_000001.xyz and so on, and of
            uncharacterized.txt; or of qm9.db in any of SchNetPack's layouts; by default where `data prepare` puts them.
    """

    published = DatasetInfo(
        name="qm9",
        theory="B3LYP/6-31G(2df,p)",
        citation="Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 1, 140022 (2014), doi:10.1038/sdata.2014.22",
        license="CC0 1.0",
        has_forces=False,
        molecules=MOLECULES,
        frames=MOLECULES,
        elements=("H", "C", "N", "O", "F"),
        size="86 MB",
    )

    def __init__(self, target: Target = "U0", uncharacterized: bool = False, folder: Path | str | None = None) -> None:
        super().__init__(folder)
        if target not in get_args(Target):
            raise SettingError(self, "target", target, f"one of {', '.join(get_args(Target))}")
        self.target = target
        self.uncharacterized = uncharacterized

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"target": self.target, "uncharacterized": self.uncharacterized}

    @property
    @override
    def label_unit(self) -> str:
        return OTHER_UNITS.get(self.target, "eV")

    @property
    @override
    def elements(self) -> list[str]:
        return list(self.published.elements)

    @property
    @override
    def files(self) -> list[Path]:
        if self._from_database:
            return [self.folder / DATABASE]
        molecules = self._single_files or [self.folder / ARCHIVE]
        return [*molecules, *([] if self.uncharacterized else [self.folder / UNCHARACTERIZED])]

    @property
    @override
    def downloads(self) -> list[Download]:
        archive = tuple(f"{place}3195389" for place in FIGSHARE)
        sha256 = "sha256:3a63848ac80691bdb8d41834b575afad345b9300d7a2db0c38adb7f6eaa8360c"
        left_out = tuple(f"{place}3195404" for place in FIGSHARE)
        return [
            Download(archive, ARCHIVE, sha256, 86_144_227),
            Download(left_out, UNCHARACTERIZED, "md5:a361887bacb427b8a0ce7903d92a53b4"),
        ]

    @override
    def isolated_atom_energies(self) -> Mapping[str, float] | None:
        """Return the energies of free atoms in eV; None for a target that is no energy of a molecule."""
        atoms = FREE_ATOMS.get(self.target)
        return None if atoms is None else {symbol: energy * HARTREE for symbol, energy in atoms.items()}

    @override
    def read(self) -> Iterator[Frames]:
        if self._from_database:
            yield from self._read_database(self.folder / DATABASE)
            return
        left_out = set() if self.uncharacterized else read_left_out(self.require(self.folder / UNCHARACTERIZED))
        if self._single_files:
            yield from conformers(self._single_structures(left_out), str(self.folder))
            return
        file = self.require(self.folder / ARCHIVE)
        yield from conformers(self._structures(file, left_out), str(file))

    @property
    def _from_database(self) -> bool:
        return (self.folder / DATABASE).is_file() and not (self.folder / ARCHIVE).is_file()

    @cached_property
    def _single_files(self) -> list[Path]:
        return [] if (self.folder / ARCHIVE).is_file() else sorted(self.folder.glob(SINGLE))

    def _structures(self, file: Path, left_out: set[int]) -> Iterator[Structure]:
        try:
            # as a stream: members are read in order, and nothing is unpacked to disk
            with tarfile.open(file, "r|*", tarinfo=TarMember) as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.isreg() else None
                    if stream is None and not PurePath(member.name).match(SINGLE):
                        continue
                    if stream is None or not 0 < member.size <= LARGEST_FILE:
                        raise DataFileError(
                            f"{file} holds {member.name} of {member.size:,} bytes, which is no file of a molecule. It "
                            "is damaged; fetch it again."
                        )
                    structure = parse(stream.read().decode(errors="replace"), self.target, f"{file}, {member.name}")
                    if _number(structure) not in left_out:
                        yield structure
                require_end(archive.fileobj)  # type: ignore[arg-type]
        except DAMAGE as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(
                f"{file} cannot be read ({error}). It is truncated or damaged; fetch it again."
            ) from error

    def _single_structures(self, left_out: set[int]) -> Iterator[Structure]:
        for file in self._single_files:
            if file.stat().st_size > LARGEST_FILE:
                raise DataFileError(f"{file} is too large for the file of a molecule. Fetch it again.")
            structure = parse(file.read_text(encoding="utf-8", errors="replace"), self.target, str(file))
            if _number(structure) not in left_out:
                yield structure

    def _read_database(self, file: Path) -> Iterator[Frames]:
        found = rows(file)
        first = next(found)
        if not self.uncharacterized and num_rows(file) == MOLECULES:
            raise SettingError(
                self,
                "uncharacterized",
                self.uncharacterized,
                f"True, or {ARCHIVE} and {UNCHARACTERIZED} in its place",
                f"{file} holds all {MOLECULES:,} molecules, and does not state which are uncharacterized",
            )
        key = next((key for key in KEYS[self.target] if has(first, key)), KEYS[self.target][0])
        facts = stated(file, key)
        claim = Claim(self.published.theory, "", names=("qm9", "gdb9", "dsgdb9"))
        claim.require(facts._replace(energy_unit="", length_unit="", forces_unit=""), "QM9", file)
        # the layouts that do not state their units are in eV and Å
        energy = 1.0 if self.target in OTHER_UNITS else energy_unit(self, None, facts.energy_unit or "eV", file)
        length = length_unit(self, None, facts.length_unit or "Å", file)
        labels = Labels(key, None, energy, length, energy / length)
        structures = (
            structure(row, file, labels)._replace(molecule=f"row_{row.id:06d}") for row in chain([first], found)
        )
        yield from conformers(structures, str(file))


def _number(structure: Structure) -> int:
    return int(structure.molecule.removeprefix("gdb_"))


def parse(text: str, target: str, where: str) -> Structure:
    """Parse the file of one molecule.

    The number of atoms; a line of properties; a line for each atom with symbol, x, y, z in Å and a Mulliken charge;
    frequencies; SMILES before and after relaxation; InChI. Exponents are written as Mathematica does, 1.5*^-6.

    Args:
        text: content of the file.
        target: the property to read.
        where: archive and file, for messages.

    Raises:
        DataFileError: the file is truncated or laid out otherwise.
    """
    lines = text.replace("*^", "e").rstrip().splitlines()
    try:
        num_atoms = int(lines[0])
        head = lines[1].split()
        atoms = [line.split() for line in lines[2 : 2 + num_atoms]]
        trailer = lines[2 + num_atoms :]
        if head[0] != "gdb" or len(head) != 17 or any(len(atom) != 5 for atom in atoms) or len(trailer) != 3:
            raise ValueError("lines are missing or too many, or have another number of columns")
        return Structure(
            molecule=f"gdb_{int(head[1]):06d}",
            atomic_numbers=np.array([SYMBOLS.index(atom[0]) for atom in atoms], dtype=np.uint8),
            positions=np.array([atom[1:4] for atom in atoms], dtype=np.float64),
            energy=float(head[2 + ORDER.index(target)]) * (1.0 if target in OTHER_UNITS else HARTREE),
            smiles=trailer[1].split()[1],
            place=f"gdb {int(head[1])}",
        )
    except (ValueError, IndexError) as error:
        raise DataFileError(f"{where} is no molecule of QM9 ({error}). The file is damaged; fetch it again.") from error


def read_left_out(file: Path) -> set[int]:
    """Return the numbers of the molecules that failed the consistency check.

    Raises:
        DataFileError: the file does not list 3,054 of them.
    """
    # a head of nine lines, a line for each molecule that begins with its number, and a line that ends the list
    first = [line.split()[:1] for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[9:-1]]
    found = {int(number) for columns in first for number in columns if number.isdecimal()}
    if len(found) != LEFT_OUT:
        raise DataFileError(f"{file} lists {len(found):,} molecules, expected {LEFT_OUT:,}; fetch it again.")
    return found
