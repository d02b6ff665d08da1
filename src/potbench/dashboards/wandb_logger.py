"""Weights & Biases, with or without an account or a network."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch import loggers
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from potbench.dashboards.dashboard import Dashboard, Results, with_unit
from potbench.whole_file import write_text

if TYPE_CHECKING:
    import wandb

STEP = "trainer/global_step"
"""What the dashboard draws metrics over; `epoch` is logged beside it."""
INIT_SECONDS = 10.0
FINISH_SECONDS = 30.0


class WandbLogger(Dashboard, loggers.WandbLogger):
    """Logs a run to Weights & Biases; without a login or a network it stays on disk, and `wandb sync` uploads it later.

    A resumed run, and its test, continue in the same dashboard; the run folder holds its identifier. Whatever the
    client raises, training goes on.

    Args:
        project: project of the dashboard.
        offline: whether the run stays on disk in any case; by default where there is no login or no network.
        tags: labels of the run.
        name: of the run; by default the end of its folder's path.
        group: of runs that belong together.
        job_type: what kind of run it is, within its group.
        notes: a longer description.
        entity: user or team that the project belongs to; by default that of the login.
        log_checkpoint: whether the best checkpoint is stored as an artifact, when training ends.
        config: shown beside the settings of the run, such as what it stands for in a study: `cell: {size: 400}`.
    """

    def __init__(
        self,
        project: str = "potbench",
        offline: bool | None = None,
        tags: list[str] | None = None,
        name: str | None = None,
        group: str | None = None,
        job_type: str | None = None,
        notes: str | None = None,
        entity: str | None = None,
        log_checkpoint: bool = False,
        config: dict[str, Any] | None = None,
    ) -> None:
        described: dict[str, Any] = {
            "tags": tags,
            "group": group,
            "job_type": job_type,
            "notes": notes,
            "entity": entity,
        }
        super().__init__(name=name, project=project, offline=bool(offline), log_model=False, **described)
        self.units = {}
        self.log_checkpoint = log_checkpoint
        self._config = config or {}
        self._run_dir = Path()
        self._trains = True
        self._shown: dict[str, int] = {}  # metric → last step that the dashboard has of it
        self._is_lost = False

    @property
    @override
    def experiment(self) -> Any:
        """The run of the client; None before it begins, and after it ends."""
        return self._experiment

    @override
    def keep_in(self, run_dir: Path, steps_done: int | None) -> None:
        self._run_dir = run_dir
        self._trains = steps_done is not None
        self._save_dir = str(run_dir)
        self._name = self._wandb_init["name"] = self._name or "/".join(run_dir.parts[-3:])

    @override
    @rank_zero_only
    def begin(self, config: dict[str, Any]) -> None:
        shown = {**config, **self._config}
        self._safely(lambda run: run.config.update(shown, allow_val_change=True))  # type: ignore[no-untyped-call]

    @override
    def log_hyperparams(self, params: Any) -> None:
        """Ignore them: the config of the run has every setting."""

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics at a step, but for those that the dashboard had before the run was interrupted."""
        step = step or 0

        def log(run: wandb.Run) -> None:
            new = {name: value for name, value in self.named(metrics).items() if step > self._shown.get(name, -1)}
            if new:
                run.log({**new, STEP: step})

        self._safely(log)

    @override
    @rank_zero_only
    def show(self, results: Results) -> None:
        self._safely(lambda run: self._show(run, results))
        self._close(exit_code=0)

    @override
    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the run where training has failed; else it stays open for its results."""
        if status != "success":
            self._close(exit_code=1)

    def _safely(self, do: Callable[[wandb.Run], object]) -> None:
        """Do something with the run, which is opened before; after a failure nothing more is logged."""
        if self._is_lost:
            return
        try:
            if self._experiment is None:
                self._experiment = self._open()
            do(self._experiment)  # type: ignore[arg-type]
        except Exception as error:  # no failure of a dashboard is worth a training
            self._is_lost = True
            print(f"Weights & Biases failed and shows no more of this run: {_first_line(error)}", flush=True)

    def _open(self) -> wandb.Run:
        # the client's reports of its own errors wait 20 s for a server that does not answer, when the process ends
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        file = self._run_dir / "wandb.json"
        if file.is_file():
            self._id = json.loads(file.read_text())["id"]
            self._shown = self._shown_before() if self._trains else {}
        else:
            self._id = self._id or secrets.token_hex(4)
            write_text(file, json.dumps({"id": self._id, "project": self._project}) + "\n")
        settings = wandb.Settings(
            silent=True,
            init_timeout=INIT_SECONDS,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=True,
            x_transaction_log_flush_interval=0.1,  # s; what a killed process has logged is on disk
        )
        arguments = {**self._wandb_init, "id": self._id, "dir": self._save_dir, "settings": settings}
        asked = wandb.setup(wandb.Settings(silent=True)).settings.mode  # by WANDB_MODE, or `wandb offline`
        offline, run = self._offline, None
        if not offline and asked == "online":
            try:
                # without a login, init would ask for one at a terminal
                offline = not wandb.login(prompt=False, verify=False)
                run = None if offline else wandb.init(**arguments)
            except (wandb.errors.Error, TimeoutError) as error:
                print(f"Weights & Biases cannot be used online: {_first_line(error)}", flush=True)
                wandb.teardown()  # its identifier is in use until then
                offline = True
        if run is None:
            run = wandb.init(**arguments, mode="offline" if offline else None)
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP, step_sync=True)
        if not run.offline and run.url:  # the client warns where there is none
            print(f"Dashboard: {run.url}", flush=True)
        return run

    def _shown_before(self) -> dict[str, int]:
        """Return the last step of each metric that earlier parts of the training logged."""
        shown: dict[str, int] = {}
        for file in self._run_dir.glob(f"wandb/*run-*-{self._id}/run-{self._id}.wandb"):
            command = [sys.executable, "-P", "-m", "wandb", "leet", "inspect", "--json", str(file)]
            inspected = subprocess.run(command, capture_output=True, text=True, timeout=60)
            for record in map(json.loads, inspected.stdout.splitlines()):
                row = record["history"]["item"] if record["type"] == "history" else {}
                for name in row:
                    shown[name] = max(shown.get(name, -1), row.get(STEP, -1))
        return shown

    def _show(self, run: wandb.Run, results: Results) -> None:
        import wandb

        numbers = {with_unit(name, number.unit): number.value for name, number in results.numbers.items()}
        run.summary.update(numbers)
        row: dict[str, Any] = {name: wandb.Image(str(file)) for name, file in results.figures.items()}
        for name, rows in results.tables.items():
            row[name] = wandb.Table(columns=list(rows[0]), data=[list(values.values()) for values in rows])
        run.log({**row, STEP: results.step})
        if self.log_checkpoint and results.checkpoint:
            artifact = wandb.Artifact(f"checkpoint-{self._id}", type="model")
            artifact.add_file(str(results.checkpoint))
            run.log_artifact(artifact, aliases=["best"])

    def _close(self, exit_code: int) -> None:
        run, self._experiment = self._experiment, None
        if run is None:
            return
        import wandb

        unsent = []
        try:
            run.finish(exit_code=exit_code)
        except Exception:  # of the client, or no answer in time: what it was given is on disk
            unsent = [Path(run.settings.sync_dir)]
        if unsent or self._is_lost:
            with suppress(Exception):  # else it fails once more when the process ends
                wandb.teardown(exit_code)
        offline = sorted(self._run_dir.glob(f"wandb/offline-run-*-{self._id}"))
        unsent = [folder for folder in offline if not list(folder.glob("*.synced"))] or unsent
        if unsent:
            print(f"Dashboard, not uploaded yet: wandb sync {shlex.join(map(str, unsent))}", flush=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
