"""Looks at the data before they are trained on."""

from __future__ import annotations

import shlex

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.data_quality import Verdict, first_look
from potbench.errors import SettingError
from potbench.runs.recorder import data_of


class DataCheck(Callback):
    """Says what a first look at the data finds, and refuses those that are certainly wrong, unless told to go on."""

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Look at the data.

        Raises:
            SettingError: something is wrong with them, and the data module does not say to ignore it.
        """
        if stage != "fit":
            return
        data = data_of(trainer)
        # of every process: each refuses, and none waits for another
        found = first_look(data.store)
        odd = [finding for finding in found if finding.verdict is not Verdict.FINE]
        if odd and trainer.is_global_zero:
            for finding in odd:
                print(f"Data, {finding.verdict.value}: {finding.name}: {finding.seen}", flush=True)
            print(f"A closer look: python -m potbench data check {shlex.quote(str(data.store.folder))}", flush=True)
        wrong = "; ".join(f"{finding.name}: {finding.seen}" for finding in odd if finding.verdict is Verdict.WRONG)
        if wrong and not data.ignore_findings:
            problem = f"Something is wrong with the data in {data.store.folder}: {wrong}"
            raise SettingError(
                data, "ignore_findings", False, "data that are right, or True to train all the same", problem
            )
