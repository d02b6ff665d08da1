"""What the loader delivers, and what millions of frames cost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from typing_extensions import override

from potbench.loading import AtomsDataModule
from potbench.speed.large_store import LargeStore, measure_apart
from potbench.speed.report import Report, describe
from potbench.speed.spread import Spread

FRAMES_IN_A_PASS = 50_000


@dataclass(frozen=True, kw_only=True)
class DataReport(Report):
    """Figures of the loader.

    Args:
        frames_per_second: of the DataModule, nothing else done.
        large_store: figures of a simulated store of millions of frames; None where it was left out.
    """

    frames_per_second: Spread
    large_store: LargeStore | None

    @override
    def tables(self) -> Iterator[Table]:
        table = Table("", "Seen", "Goal", box=box.SIMPLE)
        table.add_row("Frames per second", self.frames_per_second.text(",.0f"), "above 500,000")
        large = self.large_store
        if large:
            cached = "read before" if large.in_page_cache else "not read before"
            table.add_section()
            table.add_row(f"{large.frames:,} simulated frames", f"{large.gib:.2g} GiB, {cached}")
            table.add_row("Time to open", f"{large.open_seconds:.3f} s", "below 1 s")
            table.add_row("Growth of resident memory", f"{large.growth_mib['VmRSS']:.0f} MiB", "below 200 MiB")
            table.add_row("  of it not shared", f"{large.growth_mib['RssAnon']:.0f} MiB")
            table.add_row("Frames drawn per second", f"{large.frames_per_second:,.0f}")
            table.add_row("Dividing, once a run", f"{large.divide_seconds:.1f} s")
            table.add_row("Shuffling, once an epoch", f"{large.shuffle_seconds:.1f} s")
        yield table


def measure(data: AtomsDataModule, num_passes: int, num_frames: int, num_batches: int) -> DataReport:
    """Measure the loader of some data, then a simulated store in a temporary folder.

    Args:
        data: what the loader delivers; its batch size is that of the simulated store too.
        num_passes: passes over the training set that are timed.
        num_frames: frames of the simulated store; 0 leaves it out.
        num_batches: batches drawn from it.
    """
    speed, large = loading_speed(data, num_passes), None
    if num_frames:
        with tempfile.TemporaryDirectory() as folder:
            large = measure_apart(Path(folder), num_frames, data.batch_size, num_batches)
    return DataReport(data=describe(data), frames_per_second=speed, large_store=large)


def loading_speed(data: AtomsDataModule, num_passes: int) -> Spread:
    """Return frames of the training set per second, by passes of at least FRAMES_IN_A_PASS, the first not counted."""
    loader = data.train_dataloader()
    epochs = -(-FRAMES_IN_A_PASS // len(data.indices.train))
    speeds = []
    for _ in range(num_passes + 1):
        start = time.perf_counter()
        num_frames = sum(len(batch.energy) for _ in range(epochs) for batch in loader)
        speeds.append(num_frames / (time.perf_counter() - start))
    return Spread.of(speeds[1:])
