"""Converting the files of a dataset into a store, against filling an ASE database."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ase import Atoms
from rich import box
from rich.table import Table
from typing_extensions import override

from potbench.datasets import Dataset
from potbench.loading import Store
from potbench.representations.schnetpack_import import schnetpack
from potbench.speed.large_file import LargeFile, measure_apart
from potbench.speed.report import Report
from potbench.speed.spread import Spread
from potbench.structures import Frames


@dataclass(frozen=True, kw_only=True)
class PrepareReport(Report):
    """Figures of converting.

    Args:
        store: frames per second into a store.
        database: frames per second into an ASE database.
        ratio: the one over the other, turn by turn.
        simulated: figures of a simulated file of millions of frames; None where it was left out.
    """

    store: Spread
    database: Spread
    ratio: Spread
    simulated: LargeFile | None

    @override
    def tables(self) -> Iterator[Table]:
        table = Table("", "Seen", "Goal", box=box.SIMPLE, title=f"{self.data}: converted from its files")
        table.add_row("Into a store, frames per second", self.store.text(",.0f"))
        table.add_row("Into an ASE database, SchNetPack's way", self.database.text(",.0f"))
        table.add_row("The one over the other", self.ratio.text(",.0f"), "at least 10")
        large = self.simulated
        if large:
            table.add_section()
            speed = large.frames / large.seconds
            table.add_row(f"{large.frames:,} simulated frames", f"{large.seconds:.1f} s, {speed:,.0f} a second")
            table.add_row("Most memory held", f"{large.highest_mib:,.0f} MiB", "below 1,000 MiB")
        yield table


def measure(dataset: Dataset, num_turns: int, database_frames: int, num_frames: int) -> PrepareReport:
    """Measure both ways on a dataset, then the memory of converting a simulated file, in a temporary folder.

    Args:
        dataset: what is converted.
        num_turns: turns of the two ways.
        database_frames: about how many frames fill the database, spread over all molecules.
        num_frames: frames of the simulated file; 0 leaves it out.
    """
    with tempfile.TemporaryDirectory() as folder:
        stores, databases = side_by_side(dataset, Path(folder), num_turns, database_frames)
        simulated = measure_apart(Path(folder), num_frames) if num_frames else None
    return PrepareReport(
        data=dataset.info.name,
        store=Spread.of(stores),
        database=Spread.of(databases),
        ratio=Spread.of([store / database for store, database in zip(stores, databases, strict=True)]),
        simulated=simulated,
    )


def side_by_side(
    dataset: Dataset, folder: Path, num_turns: int, database_frames: int
) -> tuple[list[float], list[float]]:
    """Return frames per second into a store and into a database, of each turn.

    The store is made from the files, reading included; the database is filled with frames that were read before.
    """
    schnetpack()  # imported before any time is taken
    stores, databases = [], []
    for turn in range(num_turns):
        start = time.perf_counter()
        store = Store.write(folder / f"store-{turn}", dataset.read())
        stores.append(len(store) / (time.perf_counter() - start))
        chunks = sparse(dataset, max(1, len(store) // database_frames))
        start = time.perf_counter()
        num_filled = fill_database(folder / f"{turn}.db", chunks)
        databases.append(num_filled / (time.perf_counter() - start))
    return stores, databases


def sparse(dataset: Dataset, step: int) -> list[Frames]:
    """Return every step-th frame of each molecule."""
    return [
        frames._replace(
            positions=frames.positions[::step],
            energy=frames.energy[::step],
            forces=None if frames.forces is None else frames.forces[::step],
        )
        for frames in dataset.read()
    ]


def fill_database(file: Path, chunks: list[Frames]) -> int:
    """Fill an ASE database the way SchNetPack's dataset classes do; return the number of frames."""
    has_forces = chunks[0].forces is not None
    units = {"energy": "eV", "forces": "eV/Ang"} if has_forces else {"energy": "eV"}
    database = schnetpack().data.ASEAtomsData.create(str(file), distance_unit="Ang", property_unit_dict=units)
    atoms_list, properties = [], []
    for frames in chunks:
        for frame, positions in enumerate(frames.positions):
            atoms_list.append(Atoms(frames.atomic_numbers, positions))
            labels = {"energy": frames.energy[frame : frame + 1]}
            if frames.forces is not None:
                labels["forces"] = frames.forces[frame]
            properties.append(labels)
    database.add_systems(property_list=properties, atoms_list=atoms_list)
    return len(atoms_list)
