"""Read extended XYZ files: frames with the values they carry by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from potbench.readers.checks import require_molecule, require_no_cell
from potbench.readers.frame import ReadFrame
from potbench.readers.images import all_of, read_images
from potbench.readers.labels import Labels, real, single
from potbench.readers.structures import Structure, column_value
from potbench.readers.survey import Survey, seen
from potbench.readers.xyz_frames import is_xyz
from potbench.readers.xyz_reading import read_xyz

MOST_KEPT = 2**22
"""Atoms of the frames of a file that are kept in memory between two passes: half a gigabyte at most."""


class FramesOfFile:
    """Frames of a file that is passed through twice; one that is not very large is read once.

    Args:
        file: extended XYZ, or another that ASE reads.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._kept: list[ReadFrame] | None = None

    def first(self) -> Iterator[ReadFrame]:
        """Yield the frames, and keep them; raise like `read_frames`."""
        kept: list[ReadFrame] | None = []
        num_atoms = 0
        for frame in read_frames(self.file):
            num_atoms += len(frame.atomic_numbers)
            if num_atoms > MOST_KEPT:
                kept = None
            if kept is not None:
                kept.append(frame)
            yield frame
        self._kept = kept

    def again(self) -> Iterable[ReadFrame]:
        """Return the frames that were kept, and forget them; where none were, read them."""
        kept, self._kept = self._kept, None
        return read_frames(self.file) if kept is None else kept


def read_frames(file: Path) -> Iterator[ReadFrame]:
    """Yield the frames of an extended XYZ file, or of another that ASE reads.

    Raises:
        DataFileError: the file is another kind of file, empty, truncated or damaged, or a structure is periodic.
    """
    if is_xyz(file):
        yield from all_of(file, read_xyz(file), "extended XYZ")
        return
    for number, image in enumerate(read_images(file)):
        require_molecule(image, f"{file}, frame {number}")
        yield ReadFrame.of_image(image)


def survey(file: Path, frames: Iterable[ReadFrame], energy_key: str) -> Survey:
    """Return what the frames of a file carry by name.

    Args:
        file: the file.
        frames: its frames.
        energy_key: name of the energies.

    Raises:
        DataFileError: like `structures`, of single atoms; or a frame has a cell.
    """
    found = Survey(file)
    for number, frame in enumerate(frames):
        values = frame.values
        where = f"{file}, frame {number}"
        require_no_cell(values, where)
        # lines of comment hold matrices as well, which three atoms would make look like forces
        found_here = {name: seen(value, is_array=name not in frame.in_comment) for name, value in values.items()}
        is_atom = len(frame.atomic_numbers) == 1 and energy_key in values
        energy = single(values[energy_key], energy_key, where) if is_atom else None
        found.add(number, frame.atomic_numbers, found_here, energy)
    return found


def structures(file: Path, frames: Iterable[ReadFrame], labels: Labels) -> Iterator[Structure]:
    """Yield the frames of a file in eV and Å.

    Args:
        file: the file, for messages.
        frames: its frames.
        labels: what is read of them.

    Raises:
        DataFileError: a label is no real number.
    """
    for number, frame in enumerate(frames):
        where = f"{file}, frame {number}"
        values = frame.values
        total = values.get(labels.energy_key)
        forces = None if labels.forces_key is None else values.get(labels.forces_key)
        key = labels.molecule_key
        yield labels.structure(
            frame.formula if key is None else str(values[key]),
            frame.atomic_numbers,
            frame.positions,
            None if total is None else single(total, labels.energy_key, where),
            None if forces is None else real(forces, str(labels.forces_key), where),
            {name: column_value(values[name], name, where) for name in labels.columns},
        )
