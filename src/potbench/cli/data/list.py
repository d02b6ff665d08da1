"""python -m potbench data list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potbench.datasets import DatasetInfo
    from potbench.loading.catalog import Prepared


def list_datasets(*, root: Path | None = None) -> None:
    """List which datasets there are, and which are prepared here.

    Args:
        root: folder of datasets; by default that of POTBENCH_DATA, or the user's own.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from potbench.datasets import data_root
    from potbench.loading.catalog import named, prepared, unnamed

    root = root or data_root()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 1, 0), pad_edge=False, show_edge=False)
    table.add_column("Name")
    table.add_column("Molecules\nFrames\nElements", justify="right", no_wrap=True)
    table.add_column("Theory\nForces", no_wrap=True)
    table.add_column("License\nSource, by DOI", no_wrap=True)
    table.add_column("Size\nPrepared here")
    stores, damaged = prepared(root)
    for name, kind in named().items():
        if kind.published:
            table.add_row(name, *_cells(kind.published, [store for store in stores if store.manifest.name == name]))
    console = Console()
    console.print(table)
    console.print("\nGet one:      python -m potbench data prepare NAME", highlight=False)
    console.print(f"Prepared in:  {root}\n", highlight=False, soft_wrap=True, markup=False)
    for error in damaged.values():
        console.print(f"Damaged: {error}\n", highlight=False, soft_wrap=True, markup=False)
    console.print("Files of your own are read by these classes:")
    classes = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    for other in unnamed():
        classes.add_row(other.__name__, str(other.__doc__).splitlines()[0])
    console.print(classes, highlight=False)


def _cells(info: DatasetInfo, stores: list[Prepared]) -> list[str]:
    source = re.findall(r"doi:(\S+?)(?=[;,]?(?:\s|$))", info.citation)
    options = [", ".join(_option(*option) for option in store.manifest.options.items()) or "yes" for store in stores]
    molecules, frames = (f"{count:,}" if count else "not stated" for count in (info.molecules, info.frames))
    return [
        "\n".join([molecules, frames, " ".join(info.elements)]),
        f"{info.theory}\n{'with forces' if info.has_forces else 'no forces'}",
        "\n".join([info.license, *(source or [info.citation])]),
        f"{info.size}\n{'; '.join(options) or 'no'}",
    ]


def _option(key: str, value: str) -> str:
    # a word says enough: aspirin, revised
    return value if value[:1].isalpha() else f"{key} {value}"
