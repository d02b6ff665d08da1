"""Datasets that anyone can download: what they hold, and where their files come from."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from potbench.datasets.dataset import Dataset, Description, data_root
from potbench.downloads.address import Download
from potbench.errors import DataFileError


@dataclass(frozen=True)
class Summary:
    """What a published dataset is, whatever its options, for the list of datasets.

    Args:
        theory: level of theory of the labels.
        citation: authors, journal, year and DOI.
        licence: licence of the data as its publisher states it, or "not stated".
        has_forces: whether its files hold forces.
        molecules: how many molecules, all options together.
        frames: how many frames; None where the publisher does not say.
        elements: chemical symbols.
        size: of the downloads, such as "1.5 GB".
    """

    theory: str
    citation: str
    licence: str
    has_forces: bool
    molecules: int
    frames: int | None
    elements: tuple[str, ...]
    size: str


class Published(Dataset):
    """A dataset with a name and a place on the net.

    Args:
        folder: folder of its files; by default the one `python -m potbench data prepare` puts them into.
    """

    name: ClassVar[str]
    summary: ClassVar[Summary]

    def __init__(self, folder: Path | str | None = None) -> None:
        self._folder = Path(folder) if folder else None
        self.root = data_root()

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return self._folder or self.root / "downloads" / self.name

    @property
    def theory(self) -> str:
        """Level of theory of the labels that the options choose."""
        return self.summary.theory

    @property
    def description(self) -> Description:  # noqa: D102
        summary = self.summary
        return Description(self.name, self.theory, summary.citation, summary.licence, summary.has_forces)

    @property
    @abstractmethod
    def downloads(self) -> list[Download]:
        """The files to download for the options chosen."""

    def require(self, file: Path) -> Path:
        """Return a file that is there.

        Raises:
            DataFileError: it is not; the message says how to get it.
        """
        if file.is_file():
            return file
        flags = [f"--{key} {shlex.quote(str(value))}" for key, value in self.options.items()]
        command = " ".join(["python -m potbench data prepare", self.name, *flags])
        raise DataFileError(
            f"{file} does not exist. Expected an original file of {self.name}: run `{command}`, or change "
            "data.init_args.dataset.init_args.folder to the folder that holds it."
        )
