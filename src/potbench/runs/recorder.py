"""Writes the folder of a run: what it is before the first step, what came of it after the last."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.data_quality.leakage import measure_leakage
from potbench.loading import AtomsDataModule
from potbench.reporting.figures import draw_all
from potbench.reporting.tables import print_table
from potbench.runs.cost import Cost, peak_memory
from potbench.runs.folder import RunFolder
from potbench.runs.provenance import provenance
from potbench.runs.record import best_validation, in_units, quantity, read_record, write_record
from potbench.training import Task


@dataclass
class RunKeeper(Callback):
    """Keeps the folder of a run.

    Args:
        run: the folder.
        config: the whole configuration, as YAML.
        seed: seed of weights and dropout.
        checkpoint: file the run goes on from or is judged by, or None.
        steps_done: optimizer steps before this part of the run.
    """

    run: RunFolder
    config: str
    seed: int
    checkpoint: str | None
    steps_done: int

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse other data than the run was trained with; before training, write down what the run is."""
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
        if self.run.record.is_file():
            self._require_same(data)
        if stage == "fit":
            self._begin(data)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the last epoch validated: it ends the schedule, however seldom others are validated."""
        if trainer.check_val_every_n_epoch and trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1

    def end_fit(self, trainer: Trainer) -> None:
        """Complete the record with validation errors and costs, and draw the loss curves."""
        if not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        cost = next(callback for callback in trainer.callbacks if isinstance(callback, Cost))  # type: ignore[attr-defined]
        data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
        validation = best_validation(self.run.metrics)
        record = write_record(
            self.run.path,
            best_epoch=validation.pop("epoch", None),
            metrics={"validation": in_units(validation, data.store.energy_unit)},
            # known by now: a kernel has as many as training gave it
            num_parameters=trainer.lightning_module.potential.num_parameters,  # type: ignore[union-attr]
            throughput=quantity(cost.frames_per_second, "frames/s"),
            wall_time=quantity(cost.wall_seconds, "s"),
            peak_memory=quantity(peak_memory(), "MiB"),
            budget={"epochs": trainer.current_epoch, "steps": trainer.global_step, "frames": cost.frames},
        )
        draw_all(self.run.path, data.store.energy_unit)
        print_table(record, self.run.path, stage="validation")
        words = ["python", "-m", "potbench", "test", "--run", str(self.run.path)]
        if not (self.run.checkpoints / "best.ckpt").is_file():
            print("\nNo epoch was validated, so none is known to be the best.")
            words += ["--ckpt_path", "last"]
        print(f"\nErrors on the test part: {shlex.join(words)}")

    def keep_predictions(self, trainer: Trainer, task: Task) -> None:
        """Write what the test predicted; all processes take part."""
        predictions = {name: value.numpy() for name, value in task.test_predictions().items()}
        if not trainer.is_global_zero:
            return
        data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
        numbers = data.store.manifest["atomic_numbers"]
        references = np.array([data.statistics.reference_energies[number] for number in numbers])
        offset = data.store.composition(predictions["frame"], numbers) @ references
        np.savez_compressed(self.run.predictions, **predictions, offset=offset)  # type: ignore[arg-type]

    def report(self, trainer: Trainer, stage: str) -> None:
        """Put the errors of a stage into the record, draw the figures, print the table."""
        if not trainer.is_global_zero:
            return
        data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
        prefix = f"{stage}/"
        metrics = {
            name.removeprefix(prefix): float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(prefix)
        }
        evaluated = {"checkpoint": self.checkpoint, **provenance()}
        record = write_record(
            self.run.path, metrics={stage: in_units(metrics, data.store.energy_unit)}, evaluated={stage: evaluated}
        )
        draw_all(self.run.path, data.store.energy_unit)
        print_table(record, self.run.path, stage=stage)

    def _begin(self, data: AtomsDataModule) -> None:
        self.run.path.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = yaml.safe_load(self.config)
        if self.run.config.is_file() and yaml.safe_load(self.run.config.read_text()) != config:
            shutil.copy(self.run.config, self.run.path / f"config_until_step_{self.steps_done}.yaml")
        self.run.config.write_text(self.config)
        data.indices.save(self.run.split)
        apart = measure_leakage(data.store, data.indices)
        write_record(
            self.run.path,
            name=str(self.run.path),
            command="python -m potbench " + shlex.join(sys.argv[1:]),
            **provenance(),
            seeds={"everything": self.seed, "batches": data.seed},
            data=data.store.manifest,
            split={
                "rule": config["data"]["init_args"]["split"],
                "fingerprint": data.indices.fingerprint,
                **{name: len(indices) for name, indices in data.indices._asdict().items()},
                "separation": {"text": apart.text, **apart._asdict()},
            },
            statistics=data.statistics._asdict(),
        )

    def _require_same(self, data: AtomsDataModule) -> None:
        record = read_record(self.run.path)
        found = {"data": data.store.fingerprint, "split": data.indices.fingerprint}
        for name, fingerprint in found.items():
            then = record[name]["fingerprint"]
            if then != fingerprint:
                raise ValueError(
                    f"{self.run.path} was trained with another {name}: fingerprint {then[:12]} then, "
                    f"{fingerprint[:12]} now. Expected the same; restore the files and the settings of data, or start "
                    "a new run."
                )
