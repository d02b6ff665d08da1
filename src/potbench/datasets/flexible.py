"""Azobenzene and glycine: flexible molecules, along their transitions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.errors import DataFileError, SettingError
from potbench.readers.checks import check_frames
from potbench.readers.npz import require_formula
from potbench.readers.stated import Claim, Stated
from potbench.structures import SYMBOLS, Frames
from potbench.units import KCAL_PER_MOL

Molecule = Literal["azobenzene_inversion", "azobenzene_rotation", "azobenzene_rotation_and_inversion", "glycine"]
FORMULAS = {"azobenzene": "C12H10N2", "glycine": "C2H5NO2"}
FRAMES_PER_CHUNK = 1000
LAYOUT = (
    "Expected, for each frame, a line with the number of atoms, a line with the energy alone, and a line for each atom "
    "with its symbol, x, y, z in Å and force in kcal/mol/Å."
)


class FlexibleMolecules(Published):
    """Energies and forces of azobenzene along two paths of its isomerization, and of glycine.

    Source: Vassilev-Galindo, Fonseca, Poltavsky, Tkatchenko, J. Chem. Phys. 154, 094119 (2021), doi:10.1063/5.0038516.

    Args:
        molecule: glycine, or azobenzene with the transitions that its frames cover.
        folder: folder of Azobenzene_inversion.xyz and so on, which are in the supplement of the paper; by default
            where `data prepare` puts them.
    """

    published = DatasetInfo(
        name="flexible",
        theory="PBE+TS",
        citation="Vassilev-Galindo, Fonseca, Poltavsky, Tkatchenko, J. Chem. Phys. 154, 094119 (2021), "
        "doi:10.1063/5.0038516",
        license="not stated",
        has_forces=True,
        molecules=2,
        frames=None,
        elements=("H", "C", "N", "O"),
        size="supplement of the paper",
    )

    def __init__(self, molecule: Molecule, folder: Path | str | None = None) -> None:
        super().__init__(folder)
        if molecule not in get_args(Molecule):
            raise SettingError(self, "molecule", molecule, f"one of {', '.join(get_args(Molecule))}")
        self.molecule = molecule

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"molecule": self.molecule}

    @property
    @override
    def elements(self) -> list[str]:
        numbers = next(read_xyz(self.require(self.files[0]), self.molecule)).atomic_numbers
        return [SYMBOLS[number] for number in np.unique(numbers)]

    @property
    @override
    def files(self) -> list[Path]:
        return [self.folder / f"{self.molecule.capitalize()}.xyz"]

    @property
    @override
    def downloads(self) -> list[Download]:
        # without an address: the publisher gives the supplement to subscribers only
        return [Download((), file.name) for file in self.files]

    @override
    def read(self) -> Iterator[Frames]:
        file = self.require(self.files[0])
        formula = FORMULAS[self.molecule.partition("_")[0]]
        for frames in read_xyz(file, self.molecule):
            atoms = require_formula(frames.atomic_numbers, formula)
            Claim(self.published.theory, "kcal/mol").require(Stated(), self.molecule, file, *atoms)
            yield frames


def read_xyz(file: Path, molecule: str) -> Iterator[Frames]:
    """Yield the frames of a file in the layout of the supplement, FRAMES_PER_CHUNK at a time, converted to eV.

    ASE takes the layout for plain XYZ and would leave out energies and forces.

    Raises:
        DataFileError: the file is truncated or laid out otherwise.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        first = lines.readline().strip()
        if not first.isdecimal() or not 0 < int(first) < 1000:
            raise DataFileError(f"{file} begins with {first[:40]!r}. {LAYOUT}")
        height = int(first) + 2
        lines.seek(0)
        symbols: list[str] = []
        number = 0
        while chunk := list(islice(lines, FRAMES_PER_CHUNK * height)):
            while chunk and not chunk[-1].strip():
                chunk.pop()
            if len(chunk) % height:
                raise DataFileError(f"{file} ends in the middle of frame {number + len(chunk) // height}. {LAYOUT}")
            rows = [line.split() for line in chunk]
            try:
                symbols = symbols or [row[0] for row in rows[2:height]]
                frames = _frames(rows, symbols, molecule)
            except (ValueError, IndexError) as error:
                raise DataFileError(f"{file}, frames {number} and on: {error}. {LAYOUT}") from error
            if len(frames.energy):
                yield check_frames(frames, str(file), number)
            number += len(frames.energy)


def _frames(rows: list[list[str]], symbols: list[str], molecule: str) -> Frames:
    height = len(symbols) + 2
    for start in range(0, len(rows), height):
        head, energy, *atoms = rows[start : start + height]
        if head != [str(len(symbols))] or len(energy) != 1 or [atom[0] for atom in atoms] != symbols:
            raise ValueError(f"one that begins with {' '.join(head)[:40]!r} is of another kind than the first")
    unknown = sorted(set(symbols) - set(SYMBOLS[1:]))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} are no chemical symbols")
    totals = np.array([row[0] for row in rows[1::height]], dtype=np.float64)
    numbers = [row[1:] for index, row in enumerate(rows) if index % height > 1]
    components = np.array(numbers, dtype=np.float64).reshape(len(totals), len(symbols), 6)
    return Frames(
        molecule=molecule,
        atomic_numbers=np.array([SYMBOLS.index(symbol) for symbol in symbols], dtype=np.uint8),
        positions=components[:, :, :3].copy(),
        energy=totals * KCAL_PER_MOL,
        forces=components[:, :, 3:] * KCAL_PER_MOL,
    )
