"""Contract of every dataset: files in, Frames out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import platformdirs

from potbench.datasets.own_code import own_code
from potbench.downloads.address import Download
from potbench.errors import MissingDataError
from potbench.structures import Column, Frames, IntArray


def data_root() -> Path:
    """Return the folder of datasets: the one POTBENCH_DATA names, or the user's data folder."""
    return Path(os.environ.get("POTBENCH_DATA") or platformdirs.user_data_dir("potbench"))


@dataclass(frozen=True)
class DatasetInfo:
    """Facts about a dataset that tables of results and lists of datasets show.

    Args:
        name: short name, also the first part of the name of its store's folder.
        theory: level of theory of the labels, as the field writes it.
        citation: authors, journal, year and DOI.
        license: license of the data as its publisher states it, or "not stated".
        has_forces: whether the files hold forces.
        molecules: number of molecules, all options together; None where not known.
        frames: number of frames; None where the publisher does not say.
        elements: chemical symbols that occur, all options together.
        size: size of the downloads, such as "1.5 GB"; None where there are none.
    """

    name: str
    theory: str
    citation: str
    license: str
    has_forces: bool
    molecules: int | None = None
    frames: int | None = None
    elements: tuple[str, ...] = ()
    size: str | None = None


class Trajectory(NamedTuple):
    """Molecular dynamics in the canonical ensemble from which frames are.

    Attributes:
        temperature: in K.
        theory: its level of theory, where the labels are of another; empty where they are of the same.
    """

    temperature: float
    theory: str = ""


class Dataset(ABC):
    """A dataset, read from its original files in eV and Å."""

    published: ClassVar[DatasetInfo | None] = None
    """Set where anyone can get the dataset by its name, whatever its options."""
    code: ClassVar[str] = ""
    """Of a class outside potbench: what it is, and the sha256 of its modules; part of the fingerprint."""

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        cls.code = own_code(cls)

    @cached_property
    def root(self) -> Path:
        """Folder of datasets; may be set."""
        return data_root()

    @property
    @abstractmethod
    def info(self) -> DatasetInfo:
        """Name, level of theory, citation and license for the options chosen."""

    @cached_property
    def name(self) -> str:
        """The name in `info`; of a file of the user's own, found without reading it."""
        return self.info.name

    @property
    @abstractmethod
    def elements(self) -> list[str]:
        """Chemical symbols that may occur, by ascending atomic number; found without reading every frame."""

    @property
    @abstractmethod
    def files(self) -> list[Path]:
        """Files that `read` reads, in order; their sha256 goes into the manifest."""

    @property
    def downloads(self) -> list[Download]:
        """Files to download for the options chosen."""
        return []

    @property
    def options(self) -> dict[str, object]:
        """Arguments that decide the frames besides the files, such as a molecule; part of the fingerprint."""
        return {}

    @property
    def given_facts(self) -> Mapping[str, str]:
        """Theory, license and citation, where the user gives them: name → text, found without reading a file."""
        return {}

    @property
    def trajectory(self) -> Trajectory | None:
        """Molecular dynamics from which the frames are; None where they are from none that is known."""
        return None

    @property
    def trajectories(self) -> Mapping[str, Trajectory | None]:
        """Those of the frames by what their column `file` says, where parts of a dataset have their own."""
        return {}

    @property
    def label_unit(self) -> str:
        """Unit of the energies: eV, unless another property is read in their place."""
        return "eV"

    def require(self, file: Path) -> Path:
        """Return a file if it exists.

        Raises:
            MissingDataError: it does not.
        """
        if file.is_file():
            return file
        name = self.published.name if self.published and self.downloads else None
        raise MissingDataError(self, "folder" if name else "file", file, name, self.options)

    @abstractmethod
    def read(self) -> Iterator[Frames]:
        """Yield the conformers in chunks, so that memory stays bounded.

        Raises:
            DataFileError: a file is missing, truncated, laid out otherwise, or holds an impossible number.
        """

    def isolated_atom_energies(self) -> Mapping[str, float] | None:
        """Return chemical symbol → energy of the free atom in eV at the same level of theory; None where not known."""
        return None

    def remarks(self) -> list[str]:
        """Return what the user should know of the files; to be called after `read` has yielded every frame."""
        return []

    def unread(self) -> Mapping[str, Column]:
        """Return name → numbers or texts of the frames, shape (frames,), that `read` leaves out."""
        return {}

    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Return name → split given by the publisher; to be called after `read` has yielded every frame."""
        return {}


@dataclass(frozen=True)
class OfficialIndices:
    """Split given by the publisher of a dataset.

    Args:
        train: shape (frames,), indices of the training frames, in the order of `read`.
        test: shape (frames,), indices of the test frames.
        validation: shape (frames,), or None where the publisher leaves them to be drawn from `train`.
    """

    train: IntArray
    test: IntArray
    validation: IntArray | None = None
