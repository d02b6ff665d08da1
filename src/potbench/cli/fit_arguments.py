"""Arguments that fit has beside those of Lightning."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import Literal

from jsonargparse import ArgumentParser, Namespace
from typing_extensions import override

from potbench.cli.places import Keys
from potbench.errors import PotbenchError, SettingError
from potbench.runs.allowed import Allowed
from potbench.runs.checkpointing import checkpoint_callbacks
from potbench.runs.time_budget import seconds_of
from potbench.training.fine_tuning import FineTuning

INPUTS = ("config", "run", "run_dir", "ckpt_path", "resume", "train_on", "budget", "allow")
"""Arguments that say what is done with a run, and are not part of its config."""


class FitKeys(Keys):
    """The settings of a config, and the flags of fit."""

    @override
    def of(self, error: SettingError) -> str | None:
        flags = {
            (Allowed, "allow"): "--allow",
            (FineTuning, "parent"): "--from",
            (FineTuning, "freeze"): "--freeze",
            (checkpoint_callbacks, "every_minutes"): "--checkpoint_every_minutes",
            (checkpoint_callbacks, "every_steps"): "--checkpoint_every_steps",
            (seconds_of, "budget"): "--budget",
        }
        return flags.get((error.owner, error.setting)) or super().of(error)


def add_fit_arguments(parser: ArgumentParser, fits: bool) -> None:
    """Add what the config of a run says of its training beside Lightning's settings.

    Args:
        parser: of fit, validate or test.
        fits: whether it is that of fit; the others read the config of a run, and do nothing with it.
    """

    def add(name: str, kind: object, help: str, default: object = None) -> None:  # noqa: A002 — as argparse has it
        parser.add_argument(name, type=kind, default=default, help=help if fits else SUPPRESS)

    add("--from", str | None, "Run, or a checkpoint of one, whose weights training starts from: fine-tuning.")
    add("--freeze", list[str], "Weights that are not trained after --from: names, layers or patterns.", [])
    add("--checkpoint_every_minutes", float | None, "Save last.ckpt within epochs too, after so many minutes.")
    add("--checkpoint_every_steps", int | None, "Save last.ckpt within epochs too, after so many optimizer steps.")
    if fits:
        add(
            "--resume",
            Literal["auto"] | None,
            "auto: start where --run_dir holds no run, resume where it holds one, end where that is finished.",
        )
        add(
            "--budget",
            str | None,
            "Time of the training, such as 5min, or, of the processors, '5min CPU': steps are timed first, and as many "
            "are planned as it allows for.",
        )
        add("--train_on", int | None, "Train a finished run, RUN, for so many more epochs.")


def require_together(settings: Namespace, is_named: bool) -> None:
    """Refuse arguments of fit that lack another one, or are none of fit.

    Args:
        settings: what was parsed.
        is_named: whether the folder of the run is named.

    Raises:
        PotbenchError: one is missing; or only a part of the test set is to be tested, which `test` would take for all.
    """
    part = settings.trainer.limit_test_batches
    if part not in {None, 1.0} or isinstance(part, int):
        raise PotbenchError(
            f"trainer.limit_test_batches is {part} in a training, whose test would be of a part of the test set. "
            "Expected it of test: test RUN --trainer.limit_test_batches. Remove it here."
        )
    for name, needed, has_it in (
        ("--resume auto", "--run_dir, the folder to look at", not settings.resume or is_named),
        ("--train_on", "the folder of a run: fit RUN --train_on EPOCHS", not settings.train_on or is_named),
        ("--freeze", "--from, the run whose weights are frozen", not settings.freeze or settings["from"]),
    ):
        if not has_it:
            raise PotbenchError(f"{name} is given alone. Expected {needed}. Add it.")
