"""What a store says of itself, in its manifest.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from potbench.errors import RecordError
from potbench.readers.typed_json import from_plain, to_json
from potbench.whole_file import write_text

FILE = "manifest.json"
FORMAT = 2
"""Of stores; raised when what they hold changes, so that older ones are prepared again."""


@dataclass(frozen=True)
class Units:
    """Units of the arrays of a store.

    Args:
        positions: always Å.
        energy: eV, unless another property is stored in their place.
        forces: always eV/Å.
    """

    positions: str = "Å"
    energy: str = "eV"
    forces: str = "eV/Å"


@dataclass(frozen=True)
class Source:
    """A file that a store was prepared from.

    Args:
        file: its name.
        sha256: of its bytes.
        bytes: its size.
        changed: when it was changed last, in nanoseconds since 1970.
        published: the published checksum that it was verified against, or None.
    """

    file: str
    sha256: str
    bytes: int
    changed: int
    published: str | None = None


@dataclass(frozen=True)
class Origin:
    """Where the frames of a store come from; known before they are read.

    Args:
        name: of the dataset.
        theory: level of theory of the labels.
        citation: authors, journal, year and DOI.
        license: of the data.
        units: of the arrays.
        options: what chose the frames besides the files: argument → value, as text.
        sources: the files.
        format: of the store.
    """

    name: str = "not stated"
    theory: str = "not stated"
    citation: str = "not stated"
    license: str = "not stated"
    units: Units = Units()
    options: dict[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True)
class Manifest(Origin):
    """What a store says of itself.

    Args:
        num_frames: how many frames.
        num_molecules: how many molecules, by their names.
        atomic_numbers: those that occur, ascending.
        has_forces: whether there are forces.
        has_time: whether the place of each frame in its trajectory is known.
        fingerprint: sha256 over all arrays.
        columns: names of further values of the frames.
        partial: labels that some frames lack: energy, forces.
    """

    num_frames: int
    num_molecules: int
    atomic_numbers: tuple[int, ...]
    has_forces: bool
    has_time: bool
    fingerprint: str
    columns: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """Write FOLDER/manifest.json."""
        write_text(folder / FILE, to_json(self))

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read FOLDER/manifest.json; keys that are not known are left out.

        Raises:
            RecordError: it is damaged, or something in it has the wrong type.
            OSError: it cannot be read.
        """
        file = folder / FILE
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(found, dict) and "licence" in found:
                found["license"] = found.pop("licence")  # as earlier versions spelled it
            return from_plain(cls, found)
        except (ValueError, RecursionError) as error:
            raise RecordError(
                f"{file} is damaged ({error}). Expected what preparing the dataset wrote. Delete the folder {folder}; "
                "the dataset is then prepared again."
            ) from error
