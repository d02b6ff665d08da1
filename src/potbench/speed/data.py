"""python -m potbench speed data: what the loader delivers, and what millions of frames cost."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.speed.chosen_data import add_data_options, chosen_data, describe
from potbench.speed.spread import Spread

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule

DESCRIPTION = """Frames per second that the DataModule delivers, one batch after the other and nothing else done; then
opening, dividing and drawing from a simulated store of millions of frames, made in a temporary folder (sparse; TMPDIR
says where), in a process of its own."""
FRAMES_IN_A_PASS = 50_000


def run(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.
    """
    parser = argparse.ArgumentParser("python -m potbench speed data", description=DESCRIPTION)
    add_data_options(parser)
    parser.add_argument("--passes", type=int, default=9, metavar="N", help="passes that are timed (default: 9)")
    parser.add_argument(
        "--frames", type=int, default=20_000_000, metavar="N", help="frames of the simulated store; 0 leaves it out"
    )
    parser.add_argument("--batches", type=int, default=200, metavar="N", help="batches drawn from it (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the figures")
    options = parser.parse_args(words)

    from potbench.reporting.provenance import machine, versions

    data = chosen_data(options)
    results: dict[str, Any] = {"machine": machine(), "versions": versions(), "data": describe(data)}
    results["frames_per_second"] = delivered(data, options.passes)._asdict()
    if options.frames:
        from potbench.speed.large_store import measure_apart

        with tempfile.TemporaryDirectory() as folder:
            results["large_store"] = measure_apart(Path(folder), options.frames, options.batch_size, options.batches)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def delivered(data: AtomsDataModule, num_passes: int) -> Spread:
    """Frames per second of the training part, by passes of at least FRAMES_IN_A_PASS frames, after one not counted."""
    loader = data.train_dataloader()
    epochs = -(-FRAMES_IN_A_PASS // len(data.parts.train))
    speeds = []
    for _ in range(num_passes + 1):
        start = time.perf_counter()
        num_frames = sum(len(batch.energy) for _ in range(epochs) for batch in loader)
        speeds.append(num_frames / (time.perf_counter() - start))
    return Spread.of(speeds[1:])


def show(results: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from potbench.speed.report import machine_line

    table = Table("", "Seen", "Goal", title=results["data"], box=box.SIMPLE)
    median, span = Spread(**results["frames_per_second"]).text(",.0f")
    table.add_row("Frames delivered per second", f"{median} ({span})", "above 500,000")
    large = results.get("large_store")
    if large:
        cached = "in the page cache" if large["in_page_cache"] else "not read before: too large for the page cache"
        table.add_section()
        table.add_row(f"Simulated store of {large['frames']:,} frames, {large['gib']:.2g} GiB", cached)
        table.add_row("Time to open", f"{large['open_seconds']:.3f} s", "below 1 s")
        growth = large["growth_mib"]
        table.add_row("Growth of resident memory", f"{growth['VmRSS']:.0f} MiB", "below 200 MiB")
        table.add_row("  of it not shared", f"{growth['RssAnon']:.0f} MiB")
        table.add_row("Frames drawn per second", f"{large['frames_per_second']:,.0f}")
        table.add_row("Once per run: dividing, statistics", f"{large['divide_seconds']:.1f} s")
        table.add_row("Once per epoch: shuffling", f"{large['shuffle_seconds']:.1f} s")
    console = Console()
    console.print(table)
    console.print(machine_line(results), highlight=False)
