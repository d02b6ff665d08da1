"""What every dataset is: files that someone published, read as Frames."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from potbench.structures import Frames, IntArray


def data_root() -> Path:
    """Where datasets are kept: the folder POTBENCH_DATA names, or the user's data folder."""
    return Path(os.environ.get("POTBENCH_DATA") or platformdirs.user_data_dir("potbench"))


@dataclass(frozen=True)
class Description:
    """What a table of results must say of its data.

    Args:
        name: short name, also the first part of the name of its store's folder.
        theory: level of theory of the labels, as the field writes it.
        citation: authors, journal, year and DOI.
        licence: licence of the data as its publisher states it, or "not stated".
        has_forces: whether its files hold forces.
    """

    name: str
    theory: str
    citation: str
    licence: str
    has_forces: bool


class Dataset(ABC):
    """A published dataset, read from its original files in eV and Å."""

    @property
    @abstractmethod
    def description(self) -> Description:
        """Name, level of theory, citation and licence."""

    @property
    @abstractmethod
    def elements(self) -> list[str]:
        """Chemical symbols that may occur, by ascending atomic number; found without reading every frame."""

    @property
    @abstractmethod
    def files(self) -> list[Path]:
        """The files that `read` reads, in order; their sha256 goes into the manifest."""

    @property
    def options(self) -> dict[str, object]:
        """What else decides the frames besides the files (a molecule, a choice of labels); part of the fingerprint."""
        return {}

    @property
    def label_unit(self) -> str:
        """Unit of the energies it gives: eV, unless it was asked for a property that is none."""
        return "eV"

    @abstractmethod
    def read(self) -> Iterator[Frames]:
        """Read the files, one block of conformers at a time, so that memory stays bounded.

        Raises:
            DataFileError: a file is missing, cut short, not laid out as expected, or holds an impossible number.
        """

    def atomic_energies(self) -> Mapping[str, float] | None:
        """Chemical symbol → energy of the isolated atom in eV by the same theory; None where not known."""
        return None

    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Name → split that the publisher gives; asked for after `read` has gone through every frame."""
        return {}


@dataclass(frozen=True)
class OfficialIndices:
    """A split as its publisher gives it.

    Args:
        train: shape (frames,), frames to learn from, numbered in the order of `read`.
        test: shape (frames,), frames to judge by.
        validation: shape (frames,), or None where the publisher leaves it to be drawn from `train`.
    """

    train: IntArray
    test: IntArray
    validation: IntArray | None = None
