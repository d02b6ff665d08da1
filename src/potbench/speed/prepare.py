"""python -m potbench speed prepare: files of ANI-1 into a store, against filling an ASE database."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.speed.large_store import STATUS
from potbench.speed.options import add_data_options, at_least, chosen_data
from potbench.speed.spread import Spread

if TYPE_CHECKING:
    from potbench.datasets import Dataset
    from potbench.structures import Frames

DESCRIPTION = """Frames per second that `data prepare` converts, against filling an ASE database as SchNetPack does,
turn by turn; then the memory that converting a simulated file of millions of frames takes, in a
process of its own."""


def run(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.
    """
    parser = argparse.ArgumentParser("python -m potbench speed prepare", description=DESCRIPTION)
    add_data_options(parser)
    parser.add_argument("--turns", type=at_least(1), default=5, metavar="N", help="turns to time (default: 5)")
    parser.add_argument(
        "--database-frames",
        type=at_least(1),
        default=2000,
        metavar="N",
        help="frames that fill the database, spread over all molecules (default: 2000)",
    )
    parser.add_argument(
        "--frames",
        type=at_least(0),
        default=5_000_000,
        metavar="N",
        help="of the simulated file; 0 leaves it out (default: 5 million)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the figures")
    options = parser.parse_args(words)

    from potbench.runs.provenance import machine, versions

    dataset = chosen_data(options).dataset
    results: dict[str, Any] = {"machine": machine(), "versions": versions(), "data": dataset.description.name}
    with tempfile.TemporaryDirectory() as folder:
        results |= side_by_side(dataset, Path(folder), options.turns, options.database_frames)
        if options.frames:
            results["simulated"] = measure_apart(Path(folder), options.frames)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def side_by_side(dataset: Dataset, folder: Path, num_turns: int, database_frames: int) -> dict[str, Any]:
    """Frames per second of both ways and their ratio, turn by turn.

    The store is made from the files, reading included; the database is filled with frames that were read before.
    """
    from potbench.loading import Store

    speeds: dict[str, list[float]] = {"store": [], "database": []}
    for turn in range(num_turns):
        start = time.perf_counter()
        store = Store.write(folder / f"store-{turn}", dataset.read(), {})
        speeds["store"].append(len(store) / (time.perf_counter() - start))
        frames = sparse(dataset, max(1, len(store) // database_frames))
        start = time.perf_counter()
        num_filled = fill_database(folder / f"{turn}.db", frames)
        speeds["database"].append(num_filled / (time.perf_counter() - start))
    ratios = [store / database for store, database in zip(speeds["store"], speeds["database"], strict=True)]
    return {name: Spread.of(values)._asdict() for name, values in {**speeds, "ratio": ratios}.items()}


def sparse(dataset: Dataset, step: int) -> list[Frames]:
    """Every step-th frame of each molecule."""
    return [
        frames._replace(
            positions=frames.positions[::step],
            energy=frames.energy[::step],
            forces=None if frames.forces is None else frames.forces[::step],
        )
        for frames in dataset.read()
    ]


def fill_database(file: Path, blocks: list[Frames]) -> int:
    """Fill an ASE database the way SchNetPack's dataset classes do; return the number of frames."""
    from ase import Atoms

    from potbench.representations.schnetpack_import import schnetpack

    has_forces = blocks[0].forces is not None
    units = {"energy": "eV", "forces": "eV/Ang"} if has_forces else {"energy": "eV"}
    kind = schnetpack().data.ASEAtomsData
    database = kind.create(str(file), distance_unit="Ang", property_unit_dict=units)
    atoms_list, properties = [], []
    for frames in blocks:
        for frame, positions in enumerate(frames.positions):
            atoms_list.append(Atoms(frames.atomic_numbers, positions))
            labels = {"energy": frames.energy[frame : frame + 1]}
            if frames.forces is not None:
                labels["forces"] = frames.forces[frame]
            properties.append(labels)
    database.add_systems(property_list=properties, atoms_list=atoms_list)
    return len(atoms_list)


def measure_apart(folder: Path, num_frames: int) -> dict[str, Any]:
    """Write a simulated file, and convert it in a fresh process; what `measure` returns."""
    from potbench.speed.simulated_ani1 import write_simulated

    write_simulated(folder, num_frames)
    command = [sys.executable, "-m", "potbench.speed.prepare", str(folder)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return measured


def measure(folder: Path) -> dict[str, Any]:
    """Convert the simulated file of a folder; frames, seconds, and the most memory this process ever held, in MiB."""
    from potbench.datasets import ANI1
    from potbench.loading.preparation import prepare

    start = time.perf_counter()
    store = prepare(ANI1(folder, [8]), folder)
    seconds = time.perf_counter() - start
    # getrusage would count what the process that started this one held
    lines = (line.split() for line in STATUS.read_text().splitlines())
    highest = next(int(words[1]) for words in lines if words[0] == "VmHWM:") / 1024
    return {"frames": len(store), "seconds": seconds, "highest_mib": highest}


def show(results: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from potbench.speed.report import machine_line

    table = Table("", "Seen", "Goal", box=box.SIMPLE)
    table.add_row("Into a store, frames per second", Spread(**results["store"]).text(",.0f"))
    table.add_row("Into an ASE database, SchNetPack's way", Spread(**results["database"]).text(",.0f"))
    table.add_row("The one over the other", Spread(**results["ratio"]).text(",.0f"), "at least 10")
    simulated = results.get("simulated")
    if simulated:
        table.add_section()
        speed = simulated["frames"] / simulated["seconds"]
        table.add_row(
            f"{simulated['frames']:,} simulated frames", f"{simulated['seconds']:.1f} s, {speed:,.0f} a second"
        )
        table.add_row("Most memory held", f"{simulated['highest_mib']:,.0f} MiB", "below 1,000 MiB")
    console = Console()
    console.print(f"{results['data']}: converted from its files")
    console.print(table)
    console.print(machine_line(results), highlight=False)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
