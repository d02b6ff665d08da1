"""python -m potbench data info NAME: what is known of a prepared dataset."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from potbench.cli.data.catalog import few
from potbench.cli.data.chosen import chosen_stores, options_of
from potbench.structures import SYMBOLS

if TYPE_CHECKING:
    from potbench.loading import Store

BLOCK = 2**18
NOT_VERIFIED = "not verified against a published checksum"


def info(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.

    Raises:
        ValueError: no such dataset is prepared.
    """
    parser = argparse.ArgumentParser(
        "python -m potbench data info",
        description=__doc__,
        epilog="Options of the dataset, such as --molecule aspirin, choose among several that are prepared.",
        allow_abbrev=False,
    )
    for store in chosen_stores(parser, words)[1]:
        show(store.folder)


def show(folder: Path) -> None:
    """Print what a store says of itself, and what its numbers say."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from potbench.loading import Store

    store = Store(folder)
    facts = store.manifest
    table = Table(box=box.SIMPLE, show_header=False, title=escape(f"{facts['name']} {options_of(facts)}"))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "Frames": f"{facts['num_frames']:,}",
        "Molecules": f"{facts['num_molecules']:,}: {few(list(dict.fromkeys(store.molecule_names.tolist())))}",
        "Elements": " ".join(SYMBOLS[number] for number in facts["atomic_numbers"]),
        "Theory": facts["theory"],
        **_ranges(store),
        "Units": ", ".join(f"{name} {unit}" for name, unit in facts["units"].items()),
        "Official splits": ", ".join(
            f"{name} ({len(parts.train):,} + {len(parts.test):,})" for name, parts in store.official_splits.items()
        ),
        "Licence": facts["licence"],
        "Cite": facts["citation"],
    }
    for name, text in rows.items():
        table.add_row(name, escape(text or "none"))
    # long words on lines of their own, never wrapped, so that they can be copied
    lines = [f"  Store        {folder}", f"  Fingerprint  {facts['fingerprint']}"]
    for source in facts["sources"]:
        verified = f"verified: {source['published']} is published" if source["published"] else NOT_VERIFIED
        lines += [f"  {source['file']}", f"    sha256 {source['sha256']}", f"    {verified}"]
    console = Console(highlight=False)
    console.print(table)
    console.print("\n".join(lines), soft_wrap=True, markup=False)


def _ranges(store: Store) -> dict[str, str]:
    lowest, highest, atoms = np.inf, -np.inf, []
    for frames in _blocks(len(store)):
        counts = store.composition(frames, store.manifest["atomic_numbers"]).sum(axis=1)
        per_atom = store.energy[frames] / counts
        lowest, highest = min(lowest, per_atom.min()), max(highest, per_atom.max())
        atoms += [counts.min(), counts.max()]
    found = {"Atoms": f"{min(atoms)} to {max(atoms)}", "Energy": f"{lowest:.4f} to {highest:.4f} eV per atom"}
    if store.forces is None:
        return {**found, "Forces": "none"}
    squares, largest = 0.0, 0.0
    for rows in _blocks(len(store.forces)):
        length = np.square(np.asarray(store.forces[rows[0] : rows[-1] + 1], np.float64)).sum(axis=1)
        squares, largest = squares + float(length.sum()), max(largest, float(length.max()))
    mean = (squares / len(store.forces) / 3) ** 0.5
    return {**found, "Forces": f"up to {largest**0.5:.3f} eV/Å; root mean square of components {mean:.3f} eV/Å"}


def _blocks(length: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    for start in range(0, length, BLOCK):
        yield np.arange(start, min(start + BLOCK, length))
