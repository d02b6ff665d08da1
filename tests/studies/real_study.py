"""A study that trains on the sample inside the package: seconds for each cell, in a process that can be killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import torch
import yaml

from potbench.cli.main import main
from potbench.studies.cells import Cell, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.commands import STAGES, Stage
from tests.cli.conftest import CONFIGS, QUICK, ROOT
from tests.studies.made_study import PYTHON, made_cell

FIT_AND_TEST = STAGES[:2]
CHECKED = (*FIT_AND_TEST, Stage("check", (*PYTHON, "check", "{config}.orders", "{run}"), ("laws",), (0, 1)))
"""With a last command that takes no time."""


def real_study(path: Path, epochs: int, num_cells: int = 2, one_seed: bool = False) -> tuple[StudyFolder, Plan]:
    """Write plan and configs of a study of pair potentials, which differ by their seeds, or have one."""
    folder = StudyFolder(path)
    cells = tuple(made_cell("pairwise", number, steps=3 * epochs) for number in range(num_cells))
    plan = Plan(cells=cells)
    config = resolved(
        *("--model.potential", str(CONFIGS / "potential" / "pairwise.yaml"), "--trainer.max_epochs", str(epochs)),
        *("--checkpoint_every_steps", "1"),
    )
    folder.configs.mkdir(parents=True)
    for cell in cells:
        folder.config(cell).write_text(yaml.safe_dump({**config, "seed_everything": 0 if one_seed else cell.training}))
    folder.save_plan(plan)
    return folder, plan


def resolved(*arguments: str) -> dict[str, object]:
    """The whole config of a training, as `fit --print_config` writes it."""
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        main(["fit", *QUICK, *arguments, "--print_config"])
    config = yaml.safe_load(printed.getvalue())
    config.pop("run_dir", None)
    config.pop("resume", None)
    return config  # type: ignore[no-any-return]


SCRIPT = """
import sys
from tests.kills import killer
killer.install()
from potbench.runs.signals import Stopped
from potbench.studies.running.commands import Stage
from potbench.studies.folder import StudyFolder
from potbench.studies.running.launch import run_study
from tests.studies.made_study import made_study
folder = StudyFolder(sys.argv[1])
try:
    result = run_study(folder, folder.load_plan(), made_study(at_once=int(sys.argv[2])), stages={stages})
except Stopped as stop:
    print(stop)
    sys.exit(stop.status)
sys.exit(0 if result.is_complete else 1)
"""


def start(
    folder: StudyFolder,
    stages: Sequence[Stage] = CHECKED,
    at_once: int = 1,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Run a study that has a plan in a process and a session of its own."""
    command = [sys.executable, "-c", SCRIPT.format(stages=repr(stages)), str(folder.path), str(at_once)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a study and every process that it has started, as a machine that loses power does."""
    process.kill()
    process.communicate()
    while found := alive(process.pid):
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def alive(session: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, of, *_ = stat.read_text().rpartition(")")[2].split()
            if int(of) == session and state not in {"Z", "X"}:
                found.append(int(stat.parent.name))
    return found


def num_starts(folder: StudyFolder, cell: Cell, stage: str) -> int:
    """How often a command of potbench was started for a cell."""
    log = folder.log(cell)
    return log.read_text().count(f" -m potbench {stage} ") if log.is_file() else 0


def numbers(folder: StudyFolder, cell: Cell) -> dict[str, Any]:
    """All numbers of a cell but times and memory."""
    run = folder.run(cell)
    record = json.loads(run.record.read_text())
    weights = torch.load(run.last, weights_only=True)["state_dict"]
    kept = ("metrics", "budget", "best_epoch", "seeds", "split", "statistics")
    return {"weights": weights, "metrics.csv": run.metrics.read_text(), **{name: record[name] for name in kept}}
