"""validate and test: evaluate a run, and write what comes of it into its folder."""

from __future__ import annotations

import sys
from typing import Any

from jsonargparse import Namespace
from typing_extensions import override

from potbench.cli.lightning import PotbenchCLI
from potbench.cli.saved_config import EVALUATED, differences
from potbench.runs.evaluator import Evaluator
from potbench.runs.trainer_parts import evaluation_callbacks, evaluation_loggers


class EvaluationCLI(PotbenchCLI):
    """The command line of validate and test."""

    evaluator: Evaluator

    @override
    def begin(self, settings: Namespace) -> None:
        """Find the checkpoint that is evaluated."""
        settings.verbose = False  # potbench prints its own table, with units
        if settings.run and not settings.ckpt_path:
            settings.ckpt_path = str(self.run.result)
        if settings.ckpt_path:
            checkpoint = self.run.checkpoint(str(settings.ckpt_path))
            settings.ckpt_path = str(checkpoint)
            self.read(checkpoint)
        self.written = self.config_of_the_run(settings)

    @override
    def prepare(self, settings: Namespace, config: dict[str, Any]) -> None:
        changed = ""
        if self.run.state in {"started", "interrupted"}:
            said = f"training in {self.run.path} has not ended, and this is what there is so far"
            print(f"Warning: {said}.", file=sys.stderr)
        if self.run.state != "new":
            parser = self._parser(self.command)
            changed = differences(parser, self.run.config, self.written, EVALUATED[self.command])
        loggers = evaluation_loggers(config["logger"], self.run.path)
        self.evaluator = Evaluator(
            self.run, self.written, settings.seed_everything, settings.ckpt_path, changed, loggers
        )
        shows_progress = config["enable_progress_bar"] is not False
        config["callbacks"] = evaluation_callbacks(config["callbacks"], self.evaluator, shows_progress)
        config["logger"] = config["enable_checkpointing"] = False

    def after_validate(self) -> None:
        """Report the validation errors of the checkpoint."""
        self.evaluator.report(self.trainer, "validation")

    def after_test(self) -> None:
        """Save what was predicted, complete the record, and draw the figures."""
        self.evaluator.save_predictions(self.trainer, self.model)
        self.evaluator.report(self.trainer, "test")
