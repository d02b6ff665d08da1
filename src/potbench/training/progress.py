"""What one sees while a potential trains."""

from __future__ import annotations

import sys

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

SHOWN = {"validation/energy_mae": "energy MAE {:.3f} kcal/mol", "validation/forces_mae": "forces MAE {:.3f} kcal/mol/Å"}


class ProgressBar(RichProgressBar):
    """A bar with the validation errors in kcal/mol; where the output is no terminal, a line every tenth of the run."""

    def __init__(self) -> None:
        super().__init__(leave=False)
        self.interactive = sys.stdout.isatty()
        if not self.interactive:
            self.disable()

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Validation errors, with their units."""
        return {
            name.removeprefix("validation/"): text.format(float(trainer.callback_metrics[name]))
            for name, text in SHOWN.items()
            if name in trainer.callback_metrics
        }

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        super().on_train_epoch_end(trainer, pl_module)
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or -1
        tenth = max(1, last // 10)
        if not self.interactive and trainer.is_global_zero and (epoch % tenth == 0 or epoch in {1, last}):
            errors = ", ".join(str(text) for text in self.get_metrics(trainer, pl_module).values())
            print(f"epoch {epoch}/{last}: validation {errors}", flush=True)
