"""python -m potbench speed data: what the loader delivers, and what millions of frames cost."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.speed.options import add_data_options, at_least, chosen_data, describe
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
    parser.add_argument("--passes", type=at_least(1), default=9, metavar="N", help="passes to time (default: 9)")
    parser.add_argument(
        "--frames",
        type=at_least(0),
        default=20_000_000,
        metavar="N",
        help="of the simulated store; 0 leaves it out (default: 20 million)",
    )
    parser.add_argument(
        "--batches", type=at_least(1), default=200, metavar="N", help="batches drawn from it (default: 200)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the figures")
    options = parser.parse_args(words)

    from potbench.runs.provenance import machine, versions

    data = chosen_data(options)
    print(describe(data), flush=True)
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
    epochs = -(-FRAMES_IN_A_PASS // len(data.indices.train))
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

    table = Table("", "Seen", "Goal", box=box.SIMPLE)
    speed = Spread(**results["frames_per_second"])
    table.add_row("Frames per second", speed.text(",.0f"), "above 500,000")
    large = results.get("large_store")
    if large:
        cached = "read before" if large["in_page_cache"] else "not read before"
        table.add_section()
        table.add_row(f"{large['frames']:,} simulated frames", f"{large['gib']:.2g} GiB, {cached}")
        table.add_row("Time to open", f"{large['open_seconds']:.3f} s", "below 1 s")
        growth = large["growth_mib"]
        table.add_row("Growth of resident memory", f"{growth['VmRSS']:.0f} MiB", "below 200 MiB")
        table.add_row("  of it not shared", f"{growth['RssAnon']:.0f} MiB")
        table.add_row("Frames drawn per second", f"{large['frames_per_second']:,.0f}")
        table.add_row("Dividing, once a run", f"{large['divide_seconds']:.1f} s")
        table.add_row("Shuffling, once an epoch", f"{large['shuffle_seconds']:.1f} s")
    console = Console()
    console.print(table)
    console.print(machine_line(results), highlight=False)
