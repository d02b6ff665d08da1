"""Azobenzene and glycine: flexible molecules, through their transitions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from potbench.datasets.published import Published, Summary
from potbench.downloads.address import Download
from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.structures import SYMBOLS, Frames
from potbench.units import KCAL_PER_MOL

Molecule = Literal["azobenzene_inversion", "azobenzene_rotation", "azobenzene_rotation_and_inversion", "glycine"]
BLOCK = 1000
LAYOUT = (
    "Expected, for each frame, a line with the number of atoms, a line with the energy alone, and a line for each atom "
    "with its symbol, x, y, z in Å and force in kcal/mol/Å."
)


class FlexibleMolecules(Published):
    """Energies and forces of azobenzene along two ways of its isomerisation, and of glycine.

    Source: Vassilev-Galindo, Fonseca, Poltavsky, Tkatchenko, J. Chem. Phys. 154, 094119 (2021), doi:10.1063/5.0038516.

    Args:
        molecule: glycine, or azobenzene with the transitions it goes through.
        folder: folder of Azobenzene_inversion.xyz and so on, which are in the supplement of the paper; by default
            where `data prepare` puts them.
    """

    name = "flexible"
    summary = Summary(
        theory="PBE+TS",
        citation="Vassilev-Galindo, Fonseca, Poltavsky, Tkatchenko, J. Chem. Phys. 154, 094119 (2021), "
        "doi:10.1063/5.0038516",
        licence="not stated",
        has_forces=True,
        molecules=2,
        frames=None,
        elements=("H", "C", "N", "O"),
        size="supplement of the paper",
    )

    def __init__(self, molecule: Molecule, folder: Path | str | None = None) -> None:
        super().__init__(folder)
        if molecule not in get_args(Molecule):
            raise ValueError(
                f"There is no flexible molecule {molecule!r}, expected one of {', '.join(get_args(Molecule))}. "
                "Change data.init_args.dataset.init_args.molecule."
            )
        self.molecule = molecule

    @property
    def options(self) -> dict[str, object]:  # noqa: D102
        return {"molecule": self.molecule}

    @property
    def elements(self) -> list[str]:  # noqa: D102
        numbers = next(read_xyz(self.require(self.files[0]), self.molecule)).atomic_numbers
        return [SYMBOLS[number] for number in np.unique(numbers)]

    @property
    def files(self) -> list[Path]:  # noqa: D102
        return [self.folder / f"{self.molecule.capitalize()}.xyz"]

    @property
    def downloads(self) -> list[Download]:
        """No address: the publisher gives the supplement to readers only."""
        return [Download((), file.name) for file in self.files]

    def read(self) -> Iterator[Frames]:  # noqa: D102
        yield from read_xyz(self.require(self.files[0]), self.molecule)


def read_xyz(file: Path, molecule: str) -> Iterator[Frames]:
    """Read frames in the layout of the supplement, BLOCK at a time; energies in kcal/mol, converted to eV.

    ASE takes the layout for plain XYZ and would leave out energies and forces.

    Raises:
        DataFileError: the file is cut short or laid out otherwise.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        first = lines.readline().strip()
        if not first.isdecimal() or not 0 < int(first) < 1000:
            raise DataFileError(f"{file} begins with {first[:40]!r}. {LAYOUT}")
        height = int(first) + 2
        lines.seek(0)
        symbols: list[str] = []
        number = 0
        while block := list(islice(lines, BLOCK * height)):
            while block and not block[-1].strip():
                block.pop()
            if len(block) % height:
                raise DataFileError(f"{file} ends in the middle of frame {number + len(block) // height}. {LAYOUT}")
            rows = [line.split() for line in block]
            try:
                symbols = symbols or [row[0] for row in rows[2:height]]
                frames = _frames(rows, symbols, molecule)
            except (ValueError, IndexError) as error:
                raise DataFileError(f"{file}, frames {number} and on: {error}. {LAYOUT}") from error
            number += len(frames.energy)
            if len(frames.energy):
                yield check_frames(frames, str(file))


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
