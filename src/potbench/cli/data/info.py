"""python -m potbench data info."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.cli.data.catalog import few
from potbench.cli.data.chosen import chosen_stores, options_of

if TYPE_CHECKING:
    from potbench.loading import Store

CHUNK = 2**18
"""Frames, or rows of atoms, that are looked at together."""
NOT_VERIFIED = "not verified against a published checksum"


def info(name: str, *, root: Path | None = None, **options: str) -> None:
    """Show what is known of a prepared dataset.

    Options of the dataset, such as --molecule aspirin, choose among several that are prepared.

    Args:
        name: name of the dataset, or folder of a prepared one.
        root: folder of datasets; by default that of POTBENCH_DATA, or the user's own.
        **options: options of the dataset.
    """
    for store in chosen_stores(info, name, root, options):
        show(store.folder)


def show(folder: Path) -> None:
    """Print what a store says of itself, and what its numbers say."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from potbench.loading import Store
    from potbench.structures import SYMBOLS

    store = Store(folder)
    facts = store.manifest
    table = Table(box=box.SIMPLE, show_header=False, title=escape(f"{facts.name} {options_of(facts)}"))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "Frames": f"{facts.num_frames:,}",
        "Molecules": f"{facts.num_molecules:,}: {few(list(dict.fromkeys(store.molecule_names.tolist())))}",
        "Elements": " ".join(SYMBOLS[number] for number in facts.atomic_numbers),
        "Theory": facts.theory,
        **_ranges(store),
        "Units": ", ".join(f"{name} {unit}" for name, unit in vars(facts.units).items()),
        "Official splits": ", ".join(
            f"{name} ({len(parts.train):,} + {len(parts.test):,})" for name, parts in store.official_splits.items()
        ),
        "License": facts.license,
        "Cite": facts.citation,
    }
    for name, text in rows.items():
        table.add_row(name, escape(text or "none"))
    # long words on lines of their own, never wrapped, so that they can be copied
    lines = [f"  Store        {folder}", f"  Fingerprint  {facts.fingerprint}"]
    for source in facts.sources:
        verified = f"verified: {source.published} is published" if source.published else NOT_VERIFIED
        lines += [f"  {source.file}", f"    sha256 {source.sha256}", f"    {verified}"]
    console = Console(highlight=False)
    console.print(table)
    console.print("\n".join(lines), soft_wrap=True, markup=False)


def _ranges(store: Store) -> dict[str, str]:
    import numpy as np

    lowest, highest, atoms = np.inf, -np.inf, set[int]()
    for start, end in _chunks(len(store)):
        counts = store.atoms_of(np.arange(start, end)).atoms_per_frame
        per_atom = store.energy[start:end] / counts
        lowest, highest = min(lowest, per_atom.min()), max(highest, per_atom.max())
        atoms |= {int(counts.min()), int(counts.max())}
    unit = store.energy_unit
    found = {"Atoms": f"{min(atoms)} to {max(atoms)}", "Energy": f"{lowest:.4f} to {highest:.4f} {unit} per atom"}
    if store.forces is None:
        return {**found, "Forces": "none"}
    squares, largest = 0.0, 0.0
    for start, end in _chunks(len(store.forces)):
        length = np.square(np.asarray(store.forces[start:end], np.float64)).sum(axis=1)
        squares, largest = squares + float(length.sum()), max(largest, float(length.max()))
    mean = (squares / len(store.forces) / 3) ** 0.5
    return {**found, "Forces": f"up to {largest**0.5:.3f} eV/Å; root mean square of components {mean:.3f} eV/Å"}


def _chunks(length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, CHUNK):
        yield start, min(start + CHUNK, length)
