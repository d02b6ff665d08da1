"""python -m potbench data list: which datasets there are."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from potbench.cli.data.catalog import Prepared, named, prepared, unnamed
from potbench.datasets import Summary, data_root


def list_datasets(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.
    """
    parser = argparse.ArgumentParser("python -m potbench data list", description=__doc__)
    parser.add_argument("--root", type=Path, default=data_root(), help="folder of datasets (default: %(default)s)")
    root = parser.parse_args(words).root

    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 1, 0), pad_edge=False, show_edge=False)
    table.add_column("Name")
    table.add_column("Molecules\nFrames\nElements", justify="right", no_wrap=True)
    table.add_column("Theory\nForces", no_wrap=True)
    table.add_column("Licence\nSource, by doi", no_wrap=True)
    table.add_column("Size\nPrepared here")
    stores = prepared(root)
    for name, kind in named().items():
        table.add_row(name, *_cells(kind.summary, [store for store in stores if store.manifest["name"] == name]))
    console = Console()
    console.print(table)
    console.print("\nGet one:      python -m potbench data prepare NAME", highlight=False)
    console.print(f"Prepared in:  {root}\n", highlight=False, soft_wrap=True, markup=False)
    console.print("Files of your own are read by these classes:")
    classes = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    for other in unnamed():
        classes.add_row(other.__name__, str(other.__doc__).splitlines()[0])
    console.print(classes, highlight=False)


def _cells(summary: Summary, stores: list[Prepared]) -> list[str]:
    source = re.findall(r"doi:(\S+?)(?=[;,]?(?:\s|$))", summary.citation)
    options = [", ".join(_option(*option) for option in store.manifest["options"].items()) or "yes" for store in stores]
    frames = f"{summary.frames:,}" if summary.frames else "not stated"
    return [
        "\n".join([f"{summary.molecules:,}", frames, " ".join(summary.elements)]),
        f"{summary.theory}\n{'with forces' if summary.has_forces else 'no forces'}",
        "\n".join([summary.licence, *(source or [summary.citation])]),
        f"{summary.size}\n{'; '.join(options) or 'no'}",
    ]


def _option(key: str, value: str) -> str:
    # a word says enough: aspirin, revised
    return value if value[:1].isalpha() else f"{key} {value}"
