"""python -m potbench data check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.cli.data.chosen import chosen_stores
from potbench.errors import SettingError

if TYPE_CHECKING:
    from potbench.data_quality import Finding


def check(name: str, *, root: Path | None = None, frames: int = 20_000, seed: int = 0, **options: str) -> int:
    """Examine a prepared dataset as a careful scientist would.

    Options of the dataset, such as --molecule aspirin, choose among several that are prepared. A file of your own is
    prepared, with options such as --energy_unit eV. The exit status is 1 where something is wrong.

    Args:
        name: name of the dataset, folder of a prepared one, or a file of your own.
        root: folder of datasets; by default that of POTBENCH_DATA, or the user's own.
        **options: options of the dataset.
        frames: how many frames to examine closely.
        seed: seed of their draw.
    """
    for setting, value, smallest in (("frames", frames, 2), ("seed", seed, 0)):
        if value < smallest:
            raise SettingError(check, setting, value, f"at least {smallest}")
    folders = [_own(name, root, options)] if Path(name).is_file() else _folders(name, root, options)

    from potbench.data_quality import Verdict, inspect
    from potbench.loading import Store

    wrong = 0
    for folder in folders:
        findings = inspect(Store(folder), frames, seed)
        show(folder, findings)
        wrong += sum(finding.verdict is Verdict.WRONG for finding in findings)
    return 1 if wrong else 0


def _folders(name: str, root: Path | None, options: Mapping[str, str]) -> Iterator[Path]:
    for prepared in chosen_stores(check, name, root, options):
        yield prepared.folder


def _own(name: str, root: Path | None, options: Mapping[str, str]) -> Path:
    from potbench.cli.data.prepare import chosen
    from potbench.cli.places import Flags
    from potbench.cli.refusals import refusals
    from potbench.loading.preparation import prepare

    given = {**options, **({"root": str(root)} if root else {})}
    arguments = [f"--{key}={value}" for key, value in given.items()]
    choice, found, parser = chosen(name, [name, *arguments], "python -m potbench data check")
    with refusals(lambda: Flags(found, parser)):
        return prepare(choice.make(), choice.root).folder


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
