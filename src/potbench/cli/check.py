"""python -m potbench check."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from potbench.errors import SettingError

STYLES = {"pass": "[green]", "FAIL": "[bold red]", "refused": "[yellow]"}


def check(run: Path, *, ckpt_path: str = "best", frames: int = 4, allow: list[str] = []) -> int:  # noqa: B006 — never changed
    """Compare a trained potential with the physical laws.

    One line for each law, with the largest violation found; the exit status is 1 where a law is broken. What is found
    of the checkpoint that the run stands for joins its record.

    Args:
        run: folder of a run.
        ckpt_path: best, last, or a file.
        frames: how many frames of the test set to look at, from the smallest molecule to the largest.
        allow: packages that you trust, whose classes the run may name beside those of potbench.
    """
    from potbench.runs.folder import RunFolder

    if frames < 1:
        raise SettingError(check, "frames", frames, "at least 1")
    folder = RunFolder(run)
    folder.require()
    checkpoint = folder.checkpoint(ckpt_path)

    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from potbench import laws
    from potbench.cli.data_of_run import test_frames_by_size
    from potbench.loading.collate import gather
    from potbench.runs.allowed import Allowed
    from potbench.runs.checkpoint import load_potential
    from potbench.runs.findings import LawFound
    from potbench.runs.later_findings import add_to_record

    allowed = Allowed.by_flag(allow)
    potential = load_potential(checkpoint, allowed)
    store, by_size = test_frames_by_size(folder, allowed)
    batch = gather(store, by_size[np.linspace(0, len(by_size) - 1, frames).astype(int)])
    table = Table("Law", "What it says", "Largest violation", "Allowed", "Unit", "", box=None, header_style="bold")
    found = []
    for law, violation in laws.check(potential, batch):
        of_law = LawFound.of(law.name, violation, law.tolerance, law.unit)
        found.append(of_law)
        says = str(law.function.__doc__).splitlines()[0].rsplit(" (", 1)[0]
        shown = "" if violation is None else f"{violation:.1e}"
        verdict = STYLES[of_law.verdict] + of_law.verdict
        table.add_row(law.name, says, shown, f"{law.tolerance:.0e}", law.unit, verdict)
    verdicts = Counter(each.verdict for each in found)
    console = Console()
    console.print(table)
    console.print(f"{verdicts['pass']} of {len(laws.LAWS)} laws hold for {checkpoint}.", highlight=False)
    if verdicts["refused"]:
        console.print(f"{verdicts['refused']} ask about molecules that the potential refuses.", highlight=False)
    not_recorded = add_to_record(folder, checkpoint, laws=tuple(found))
    if not_recorded:
        console.print(not_recorded, highlight=False, markup=False, soft_wrap=True)
    return 1 if verdicts["FAIL"] else 0
