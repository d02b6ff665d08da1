"""Datasets that anyone can download, into a folder of their own."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.downloads.address import Download


class Published(Dataset):
    """A dataset with a name and an address on the net.

    Args:
        folder: folder of its files; by default the one `python -m potbench data prepare` puts them into.
    """

    published: ClassVar[DatasetInfo]

    def __init__(self, folder: Path | str | None = None) -> None:
        self._folder = Path(folder) if folder else None

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return self._folder or self.root / "downloads" / self.published.name

    @property
    @override
    def info(self) -> DatasetInfo:
        return self.published

    @property
    @abstractmethod
    @override
    def downloads(self) -> list[Download]: ...
