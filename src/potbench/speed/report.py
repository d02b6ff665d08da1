"""What a benchmark found, on the screen and as JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from potbench.runs import provenance
from potbench.whole_file import write_text

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule


@dataclass(frozen=True, kw_only=True)
class Report(ABC):
    """Figures of a benchmark, and where they come from.

    Args:
        machine: what they were measured on.
        versions: library → version.
        data: the data, in a line.
    """

    machine: provenance.Machine = field(default_factory=provenance.machine)
    versions: Mapping[str, str] = field(default_factory=provenance.versions)
    data: str

    @abstractmethod
    def tables(self) -> Iterator[Table]:
        """Yield the tables of the figures."""

    def show(self) -> None:
        """Print the tables, and a line on the machine."""
        machine, versions = self.machine, self.versions
        console = Console()
        for table in self.tables():
            console.print(table)
        accelerator = f", {machine.accelerator}" if machine.accelerator else ""
        console.print(
            f"{machine.processor}, {machine.cores} cores, {machine.threads} threads{accelerator}; "
            f"torch {versions['torch']}, torchani {versions['torchani']}, schnetpack {versions['schnetpack']}, "
            f"lightning {versions['lightning']}",
            highlight=False,
        )

    def save(self, file: Path) -> None:
        """Write the figures as JSON, without those that were not measured.

        Raises:
            OSError: nothing can be written there.
        """
        figures = {name: value for name, value in asdict(self).items() if value is not None}
        write_text(file, json.dumps(figures, indent=2, ensure_ascii=False) + "\n")


def describe(data: AtomsDataModule) -> str:
    """Return a line on the data: name, size of the training set, size of molecules."""
    store = data.store
    return (
        f"{store.manifest.name}: {len(data.indices.train):,} frames to train on, "
        f"{len(store.positions) / len(store):.1f} atoms each on average, batches of up to {data.batch_size}"
    )
