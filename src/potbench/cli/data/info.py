"""python -m potbench data info."""

from __future__ import annotations

from pathlib import Path

from potbench.cli.data.chosen import chosen_stores, options_of

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

    from potbench.data_quality.ranges import ranges
    from potbench.loading import Store
    from potbench.loading.catalog import few
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
        **ranges(store),
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
