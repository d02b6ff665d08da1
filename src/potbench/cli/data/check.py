"""python -m potbench data check NAME: looks at a prepared dataset as a careful scientist would."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.cli.data.chosen import chosen_stores

if TYPE_CHECKING:
    from potbench.data_quality import Finding


def check(words: list[str]) -> int:
    """Run the command; the exit status is 1 where something is wrong.

    Args:
        words: its options.

    Raises:
        ValueError: no such dataset is prepared.
    """
    parser = argparse.ArgumentParser(
        "python -m potbench data check",
        description=__doc__,
        epilog="Options of the dataset, such as --molecule aspirin, choose among several that are prepared.",
        allow_abbrev=False,
    )
    parser.add_argument("--frames", type=int, default=20_000, help="frames to look at closely (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of their draw (default: 0)")
    options, stores = chosen_stores(parser, words)
    if options.frames < 2:
        raise ValueError(f"--frames is {options.frames}, expected at least 2.")

    from potbench.data_quality import Verdict, inspect
    from potbench.loading import Store

    wrong = 0
    for prepared in stores:
        findings = inspect(Store(prepared.folder), options.frames, options.seed)
        show(prepared.folder, findings)
        wrong += sum(finding.verdict is Verdict.WRONG for finding in findings)
    return 1 if wrong else 0


def show(folder: Path, findings: Sequence[Finding]) -> None:
    """Print findings as a table, and what they come to."""
    from rich.console import Console
    from rich.table import Table

    from potbench.data_quality import Verdict

    colours = {Verdict.FINE: "green", Verdict.LOOK: "yellow", Verdict.WRONG: "bold red"}
    table = Table("", "Seen", "Expected", "", box=None, header_style="bold", padding=(0, 1, 0, 0))
    for finding in findings:
        colour = colours[finding.verdict]
        table.add_row(finding.name, finding.seen, finding.expected, f"[{colour}]{finding.verdict.value}")
    console = Console(highlight=False)
    console.print(f"{folder}\n", soft_wrap=True, markup=False)
    console.print(table)
    console.print()
    count = {verdict: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    if count[Verdict.WRONG]:
        console.print(f"{count[Verdict.WRONG]} of {len(findings)} are wrong: understand them before training on this.")
    elif count[Verdict.LOOK]:
        console.print(f"Nothing is wrong, {count[Verdict.LOOK]} of {len(findings)} deserve a look.")
    else:
        console.print(f"All {len(findings)} are fine.")
