"""python -m potbench check."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import RunError, SettingError

if TYPE_CHECKING:
    from potbench.batch import Batch
    from potbench.runs.allowed import Allowed
    from potbench.runs.folder import RunFolder

STYLES = {"pass": "[green]", "FAIL": "[bold red]", "refused": "[yellow]"}


def check(run: Path, *, ckpt_path: str = "best", frames: int = 4, allow: list[str] = []) -> int:  # noqa: B006 — never changed
    """Compare a trained potential with the physical laws.

    One line for each law, with the largest violation found; the exit status is 1 where a law is broken.

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

    from rich.console import Console
    from rich.table import Table

    from potbench import laws
    from potbench.runs.allowed import Allowed
    from potbench.runs.checkpoint import load_potential

    allowed = Allowed.by_flag(allow)
    potential = load_potential(checkpoint, allowed)
    test_frames = _test_frames(folder, frames, allowed)
    table = Table("Law", "What it says", "Largest violation", "Allowed", "Unit", "", box=None, header_style="bold")
    verdicts = Counter[str]()
    for law, violation in laws.check(potential, test_frames):
        verdict = "refused" if violation is None else "pass" if violation <= law.tolerance else "FAIL"
        verdicts[verdict] += 1
        says = str(law.function.__doc__).splitlines()[0].rsplit(" (", 1)[0]
        found = "" if violation is None else f"{violation:.1e}"
        table.add_row(law.name, says, found, f"{law.tolerance:.0e}", law.unit, STYLES[verdict] + verdict)
    console = Console()
    console.print(table)
    console.print(f"{verdicts['pass']} of {len(laws.LAWS)} laws hold for {checkpoint}.", highlight=False)
    if verdicts["refused"]:
        console.print(f"{verdicts['refused']} ask about molecules that the potential refuses.", highlight=False)
    return 1 if verdicts["FAIL"] else 0


def _test_frames(folder: RunFolder, num_frames: int, allowed: Allowed) -> Batch:
    """Return frames of the test set, from the smallest molecule to the largest."""
    import numpy as np

    from potbench.cli.known import content, plain
    from potbench.cli.parsing import ConfigParser
    from potbench.cli.places import Keys
    from potbench.cli.refusals import refusals
    from potbench.loading import AtomsDataModule, SplitIndices
    from potbench.loading.collate import gather
    from potbench.runs.written_places import require_root

    config = content(folder.config)
    if not isinstance(config, dict) or "data" not in config:
        raise RunError(f"{folder.config} describes no data. Expected the config of the run; restore it.")
    allowed.require(config["data"], folder.config, folder.path)
    parser = ConfigParser()
    parser.add_subclass_arguments(AtomsDataModule, "data")
    settings = parser.parse_object({"data": config["data"]})
    allowed.require(plain(parser.dump(settings)), folder.config)
    with refusals(lambda: Keys(settings, folder.config)):
        data: AtomsDataModule = parser.instantiate(settings).data
        require_root(data, folder.path, allowed)
        data.prepare_data()
        data.setup("test")
    store = data.store
    frames = SplitIndices.load(folder.split).test
    by_size = frames[np.argsort(store.atoms_of(frames).atoms_per_frame, kind="stable")]
    return gather(store, by_size[np.linspace(0, len(frames) - 1, num_frames).astype(int)])
