"""python -m potbench data check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.cli.data.chosen import chosen_stores
from potbench.errors import SettingError

if TYPE_CHECKING:
    from potbench.data_quality import Finding


def check(name: str, *, root: Path | None = None, frames: int = 20_000, seed: int = 0, **options: str) -> int:
    """Examine a prepared dataset as a careful scientist would.

    Options of the dataset, such as --molecule aspirin, choose among several that are prepared. The exit status is 1
    where something is wrong.

    Args:
        name: name of the dataset, or folder of a prepared one.
        root: folder of datasets; by default that of POTBENCH_DATA, or the user's own.
        **options: options of the dataset.
        frames: how many frames to examine closely.
        seed: seed of their draw.
    """
    for setting, value, smallest in (("frames", frames, 2), ("seed", seed, 0)):
        if value < smallest:
            raise SettingError(check, setting, value, f"at least {smallest}")
    stores = chosen_stores(check, name, root, options)

    from potbench.data_quality import Verdict, inspect
    from potbench.loading import Store

    wrong = 0
    for prepared in stores:
        findings = inspect(Store(prepared.folder), frames, seed)
        show(prepared.folder, findings)
        wrong += sum(finding.verdict is Verdict.WRONG for finding in findings)
    return 1 if wrong else 0


def show(folder: Path, findings: Sequence[Finding]) -> None:
    """Print findings as a table, and a summary."""
    from rich.console import Console
    from rich.table import Table

    from potbench.data_quality import Verdict

    colors = {Verdict.FINE: "green", Verdict.LOOK: "yellow", Verdict.WRONG: "bold red"}
    table = Table("", "Seen", "Expected", "", box=None, header_style="bold", padding=(0, 1, 0, 0))
    for finding in findings:
        color = colors[finding.verdict]
        table.add_row(finding.name, finding.seen, finding.expected, f"[{color}]{finding.verdict.value}")
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
