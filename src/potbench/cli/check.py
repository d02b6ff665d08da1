"""python -m potbench check: holds a trained potential against the physical laws."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.runs.folder import RunFolder

if TYPE_CHECKING:
    from potbench.batch import Batch

STYLES = {"pass": "[green]", "FAIL": "[bold red]", "refused": "[yellow]"}


def check(words: list[str]) -> int:
    """Run the command; the exit status is 1 where a law is broken.

    Args:
        words: its options.

    Raises:
        FileNotFoundError: no such run or checkpoint.
    """
    parser = argparse.ArgumentParser("python -m potbench check", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--ckpt_path", default="best", help="best, last, or a file (default: best)")
    parser.add_argument("--frames", type=int, default=4, help="frames of the test part to look at (default: 4)")
    options = parser.parse_args(words)
    if options.frames < 1:
        raise ValueError(f"--frames is {options.frames}, expected at least 1.")
    folder = RunFolder(options.run)
    folder.require()
    checkpoint = folder.checkpoint(options.ckpt_path)

    from rich.console import Console
    from rich.table import Table

    from potbench import laws
    from potbench.runs.checkpoint import load_task

    table = Table("Law", "What it says", "Largest violation", "Allowed", "Unit", "", box=None, header_style="bold")
    potential = load_task(checkpoint).potential
    verdicts = Counter[str]()
    for law, violation in laws.check(potential, _test_frames(folder, options.frames)):
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


def _test_frames(folder: RunFolder, num_frames: int) -> Batch:
    """Frames of the test part, from the smallest molecule to the largest."""
    import numpy as np
    import yaml
    from jsonargparse import ArgumentParser

    from potbench.loading import AtomsDataModule, SplitIndices
    from potbench.loading.collate import gather

    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(AtomsDataModule, "data")
    config = {"data": yaml.safe_load(folder.config.read_text())["data"]}
    data: AtomsDataModule = parser.instantiate(parser.parse_object(config)).data
    data.prepare_data()
    data.setup("test")
    frames = SplitIndices.load(folder.split).test
    by_size = frames[np.argsort(data.store.atoms_of(frames).atoms_per_frame, kind="stable")]
    return gather(data.store, by_size[np.linspace(0, len(frames) - 1, num_frames).astype(int)])
