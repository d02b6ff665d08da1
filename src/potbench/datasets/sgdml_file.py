"""Datasets in the layout of sGDML: one molecule, one .npz file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potbench.datasets.dataset import Dataset, Description
from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.readers.npz import REAL, WHOLE, Arrays, read_npz
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import SYMBOLS, Frames

NEEDED = {"z": WHOLE, "R": REAL, "E": REAL, "F": REAL}
BLOCK = 50_000


class SGDMLFile(Dataset):
    """Any dataset in the layout of sGDML: z, R, E and F of one molecule, frames in the order of the file.

    Source: Chmiela, Sauceda, Poltavsky, Müller, Tkatchenko, Comput. Phys. Commun. 240, 38 (2019),
    doi:10.1016/j.cpc.2019.02.007.

    Args:
        file: the .npz file.
        energy_unit: unit of E; needed where the file has no e_unit, which newer ones have.
        length_unit: unit of R; needed where the file has no r_unit.
        theory: level of theory; by default what the file says.
        licence: licence of the data.
        citation: whom to cite.
    """

    def __init__(
        self,
        file: Path | str,
        energy_unit: EnergyUnit | None = None,
        length_unit: LengthUnit | None = None,
        theory: str | None = None,
        licence: str = "not stated",
        citation: str = "not stated",
    ) -> None:
        self.file = Path(file)
        self.energy_unit = energy_unit
        self.length_unit = length_unit
        self.theory = theory
        self.licence = licence
        self.citation = citation

    @property
    def description(self) -> Description:  # noqa: D102
        theory = self.theory or text(read_npz(self.file, NEEDED), "theory") or "not stated"
        return Description(self.file.stem, theory, self.citation, self.licence, has_forces=True)

    @property
    def elements(self) -> list[str]:  # noqa: D102
        return elements_of(self.file)

    @property
    def files(self) -> list[Path]:  # noqa: D102
        return [self.file]

    @property
    def options(self) -> dict[str, object]:  # noqa: D102
        return {"energy_unit": self.energy_unit, "length_unit": self.length_unit}

    def read(self) -> Iterator[Frames]:  # noqa: D102
        arrays = read_npz(self.file, NEEDED)
        energy = energy_unit(text(arrays, "e_unit"), self.energy_unit, self.file)
        length = length_unit(text(arrays, "r_unit"), self.length_unit, self.file)
        yield from read_arrays(arrays, self.file, self.file.stem, energy, length)


def read_arrays(
    arrays: Arrays, file: Path, molecule: str, energy_unit: float, length_unit: float, time: bool = False
) -> Iterator[Frames]:
    """Yield the frames of an sGDML dataset in blocks, converted to eV and Å.

    Args:
        arrays: what the file holds.
        file: for messages.
        molecule: name of the molecule.
        energy_unit: unit of E, in eV.
        length_unit: unit of R, in Å.
        time: whether the frames follow each other in time.

    Raises:
        DataFileError: shapes that do not fit, numbers that are not finite, or another md5 than the file states.
    """
    numbers, positions, energy, forces = (arrays[key] for key in "zREF")
    if energy.shape not in {(len(positions),), (len(positions), 1)} or numbers.ndim != 1 or positions.ndim != 3:
        raise DataFileError(
            f"{file}: z, R and E have the shapes {numbers.shape}, {positions.shape} and {energy.shape}, "
            "expected (atoms,), (frames, atoms, 3) and (frames,) or (frames, 1)."
        )
    _check_md5(arrays, file)
    for start in range(0, len(positions), BLOCK):
        rows = slice(start, start + BLOCK)
        frames = Frames(
            molecule=molecule,
            atomic_numbers=numbers,
            positions=positions[rows] * length_unit,
            energy=energy[rows].reshape(-1).astype(np.float64) * energy_unit,
            forces=forces[rows] * (energy_unit / length_unit),
            time=np.arange(len(positions))[rows] if time else None,
        )
        yield check_frames(frames, str(file))


def elements_of(file: Path) -> list[str]:
    """Chemical symbols in such a file, by ascending atomic number.

    Raises:
        DataFileError: the file is missing, damaged, or its z are no atomic numbers.
    """
    if not file.is_file():
        raise DataFileError(
            f"{file} does not exist. Expected a dataset of sGDML there. Change data.init_args.dataset.init_args.file."
        )
    numbers = np.unique(read_npz(file, NEEDED)["z"])
    if numbers.min(initial=1) < 1 or numbers.max(initial=0) >= len(SYMBOLS):
        raise DataFileError(f"{file}: z holds {numbers.tolist()}, expected atomic numbers.")
    return [SYMBOLS[number] for number in numbers]


def text(arrays: Arrays, key: str) -> str:
    """A word in an array without axes, bytes or not; empty where there is none."""
    if key not in arrays or arrays[key].ndim or arrays[key].dtype.kind not in "SU":
        return ""
    word = arrays[key].item()
    return word.decode(errors="replace") if isinstance(word, bytes) else str(word)


def _check_md5(arrays: Arrays, file: Path) -> None:
    # as sGDML computes it: over the sums of the arrays as they stand in the file
    stated = text(arrays, "md5")
    found = hashlib.md5(b"".join(hashlib.md5(arrays[key].tobytes()).digest() for key in "zREF")).hexdigest()
    if stated and stated != found:
        raise DataFileError(
            f"{file} states the md5 {stated} of its content, but it is {found}. The file is damaged; fetch it again."
        )
