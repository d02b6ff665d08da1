"""fit: trains, and writes the folder of a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from typing_extensions import override

from potbench.cli.fit_budget import keep_planned_steps, planned_steps, require_plannable
from potbench.cli.fit_start import FIT, NothingToDo, checkpoint_to_resume, parent_of_resumed
from potbench.cli.lightning import PotbenchCLI
from potbench.cli.saved_config import CONTINUED, FINISHED, differences
from potbench.errors import RunError
from potbench.runs.checkpoint import load_potential
from potbench.runs.checkpointing import checkpoint_callbacks
from potbench.runs.lock import RunLock
from potbench.runs.parent import parent_checkpoint
from potbench.runs.processes import is_first
from potbench.runs.recorder import Recorder
from potbench.runs.time_budget import Planned
from potbench.runs.trainer_parts import fit_callbacks, fit_loggers
from potbench.training.fine_tuning import FineTuning


class FitCLI(PotbenchCLI):
    """The command line of fit, whose run leaves config, checkpoints, metrics, record and figures behind."""

    recorder: Recorder
    lock: RunLock | None = None
    parent: Path | None = None
    fine_tuning: FineTuning | None = None
    planned: Planned | None = None

    @override
    def begin(self, settings: Namespace) -> None:
        """Claim the folder, and find out where training begins, with which weights, and how long it is."""
        if settings.budget is not None:
            require_plannable(settings, self.typed)
        if is_first() and not settings.trainer.fast_dev_run:
            self.lock = RunLock(self.run)
            self.lock.claim(wait=bool(settings.resume))
            self.at_the_end.callback(self.lock.release)
        state = self.run.state
        if settings.budget is not None and state in {"interrupted", "finished"}:
            keep_planned_steps(self.run, settings)
        try:
            checkpoint = checkpoint_to_resume(self.run, settings)
        except NothingToDo:
            self._require_settings_of_the_run(self.config_of_the_run(settings), FINISHED)
            raise
        if checkpoint:
            settings["from"] = parent_of_resumed(self.run, settings["from"])
        elif settings["from"]:
            settings["from"] = str(parent_checkpoint(settings["from"]))
        settings.ckpt_path = str(checkpoint) if checkpoint else None
        if settings.budget is not None and not checkpoint:
            self.planned = planned_steps(settings, self.config_of_the_run(settings), settings.allow)
        self.written = self.config_of_the_run(settings)
        if checkpoint:
            self.read(checkpoint)
            self._require_settings_of_the_run(self.written, CONTINUED)
            self.say(f"{self.run.path} is resumed after {self.steps_done:,} steps.")
        elif state == "started":
            self.say(f"{self.run.path} has no checkpoint yet: training begins at the beginning.")
        if settings["from"] and checkpoint:
            self.fine_tuning = FineTuning(None, settings.freeze)  # the checkpoint has the weights
        elif settings["from"]:
            self.parent = Path(settings["from"])
            self.fine_tuning = FineTuning(load_potential(self.parent, self.allowed), settings.freeze)

    def _require_settings_of_the_run(self, given: str, settings: tuple[str, ...]) -> None:
        changed = differences(self._parser("fit"), self.run.config, given, settings)
        if changed:
            raise RunError(
                f"{self.run.path} was trained with other settings than {changed}. Expected the same: the state of a "
                f"training belongs to them. Leave them out, or start a new run from its weights: {FIT} --from "
                f"{shlex.quote(str(self.run.path))}."
            )

    @override
    def elements(self, of_dataset: list[str]) -> list[str]:
        if self.fine_tuning and self.trained_elements is None:
            return self.fine_tuning.elements(of_dataset)
        return super().elements(of_dataset)

    @override
    def after_instantiate_classes(self) -> None:
        super().after_instantiate_classes()
        self.model.fine_tuning = self.fine_tuning

    @override
    def prepare(self, settings: Namespace, config: dict[str, Any]) -> None:
        self.recorder = Recorder(
            self.run,
            self.written,
            settings.seed_everything,
            settings.ckpt_path,
            self.steps_done,
            self.parent,
            settings.freeze,
            self.lock,
            self.planned,
        )
        checkpoints = checkpoint_callbacks(
            self.run,
            settings.checkpoint_every_minutes,
            settings.checkpoint_every_steps,
            saves=config["enable_checkpointing"] is not False,
        )
        shows_progress = config["enable_progress_bar"] is not False
        loggers = fit_loggers(config["logger"], self.run.path, self.steps_done)
        config["logger"] = loggers
        config["callbacks"] = fit_callbacks(config["callbacks"], checkpoints, self.recorder, shows_progress, loggers)

    def after_fit(self) -> None:
        """Complete the record, and say how the run is tested."""
        self.recorder.finish_fit(self.trainer)
        if not self.trainer.is_global_zero or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        command = ["python", "-m", "potbench", "test", str(self.run.path)]
        if not self.run.last.is_file():
            print("\nNo checkpoint was saved, so that the run cannot be tested.")
            return
        if not self.run.best.is_file():
            print("\nNo epoch was validated, so none is known to be the best.")
            command += ["--ckpt_path", "last"]
        print(f"\nErrors on the test set: {shlex.join(command)}")
