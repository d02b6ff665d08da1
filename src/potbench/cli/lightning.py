"""fit, validate and test: Lightning's command line, with a run folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from typing_extensions import override

from potbench.cli import known
from potbench.cli.environment import check_environment, variable
from potbench.cli.foreign import refused_settings
from potbench.cli.parsing import ConfigParser
from potbench.cli.places import Keys
from potbench.cli.refusals import refusals
from potbench.cli.run_arguments import expand
from potbench.cli.trainer_parts import with_own_callbacks, with_own_logger
from potbench.errors import PotbenchError, RunError, require_positive
from potbench.loading import AtomsDataModule
from potbench.runs.checkpoint import steps_done
from potbench.runs.folder import RunFolder
from potbench.runs.recorder import Recorder
from potbench.training import Task

ELEMENTS = "model.init_args.potential.init_args.elements"
LARGEST_SEED = 2**32 - 1


class RunParser(ConfigParser, LightningArgumentParser):
    """The parser of fit, validate and test."""


class PotbenchCLI(LightningCLI):
    """LightningCLI whose runs leave a folder behind: config, checkpoints, metrics, record and figures.

    Args:
        command: fit, validate or test.
        arguments: what is behind it.
    """

    run: RunFolder
    recorder: Recorder

    def __init__(self, command: str, arguments: list[str]) -> None:
        self.config = Namespace({command: Namespace()})  # type: ignore[no-untyped-call]
        self.steps_done = 0
        with refusals(lambda: Keys(self.config[command])):
            super().__init__(
                Task,
                AtomsDataModule,
                subclass_mode_model=True,
                subclass_mode_data=True,
                save_config_callback=None,
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,
                seed_everything_default=0,
                # forces need gradients in validation and test; potbench's own sampler shares batches between processes
                trainer_defaults={
                    "inference_mode": False,
                    "use_distributed_sampler": False,
                    "enable_model_summary": False,
                },
                parser_class=RunParser,
                parser_kwargs={"prog": "python -m potbench", "default_env": True, "env_prefix": "POTBENCH"},
                args=[command, *expand(command, arguments)],
            )

    @override
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument(
            "run", nargs="?", type=str | None, default=None, help="A run: its config, folder and checkpoint are used."
        )
        parser.add_argument(
            "--run_dir", type=str | None, default=None, help="Folder of the run; by default runs/<config>/<time>."
        )
        # potentials are sized by the elements of the dataset
        parser.link_arguments("data.elements", ELEMENTS, apply_on="instantiate")

    @staticmethod
    @override
    def subcommands() -> dict[str, set[str]]:
        commands = LightningCLI.subcommands()
        del commands["predict"]  # potbench has its own
        return commands

    @property
    def settings(self) -> Namespace:
        """The configuration of the command that runs."""
        settings: Namespace = self.config[self.config.subcommand]
        return settings

    @override
    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        for command, nested in self._subcommand_parsers.items():
            check_environment(command, known.own_settings(nested))
        super().parse_arguments(parser, args)
        settings = self.settings
        seed = settings.seed_everything
        if not 0 <= seed <= LARGEST_SEED:
            raise PotbenchError(
                f"seed_everything is {seed}, expected 0 to {LARGEST_SEED}, or false for none. Change seed_everything."
            )
        for name in ("accumulate_grad_batches", "check_val_every_n_epoch"):
            require_positive(Trainer, **{name: settings.trainer[name]})  # Lightning divides by it
        self._find_run(settings)

    @override
    def _parse_ckpt_path(self) -> None:
        """Leave the config as it is: it is whole without what a checkpoint says of the task."""

    def _find_run(self, settings: Namespace) -> None:
        """Find the run folder and the checkpoint that is meant by best or last."""
        configs = [file for file in settings.get("config") or [] if file is not None]
        new = RunFolder.new(Path(str(configs[-1])) if configs else None)
        self.run = RunFolder(settings.run_dir) if settings.run_dir else new
        settings.run_dir = str(self.run.path)
        # processes that Lightning starts for more devices read it here, or the time would give each its own folder
        os.environ[variable(self.config.subcommand, "run_dir")] = settings.run_dir
        if settings.ckpt_path:
            settings.ckpt_path = str(self.run.checkpoint(str(settings.ckpt_path)))
            self.steps_done = steps_done(Path(settings.ckpt_path))
        if settings.weights_only is None:
            settings.weights_only = True
        if self.config.subcommand != "fit":
            settings.verbose = False  # potbench prints its own table, with units
        elif self.run.config.is_file() and not settings.ckpt_path and int(os.environ.get("LOCAL_RANK", 0)) == 0:
            raise RunError(
                f"{self.run.path} already holds a run, and nothing is overwritten. "
                "Expected a new folder: change --run_dir, or add --ckpt_path last to resume that run."
            )

    @override
    def after_instantiate_classes(self) -> None:
        # the task saves its own recipe, so that its checkpoints can be loaded alone
        self._dump_config()
        recipe = self.config_dump["model"]
        recipe["init_args"]["potential"].setdefault("init_args", {})["elements"] = self.model.potential.elements
        self.model.recipe = recipe

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        settings = self.settings
        written = settings.clone()
        for given_in_another_way in ("config", "run"):
            written.pop(given_in_another_way, None)
        text = self._parser(self.subcommand).dump(written, skip_unset=False, format="yaml")
        self.recorder = Recorder(self.run, text, settings.seed_everything, settings.ckpt_path, self.steps_done)
        config = self.config_init[str(self.subcommand)]["trainer"]
        config["default_root_dir"] = str(self.run.path)
        fits, saves = self.subcommand == "fit", config["enable_checkpointing"] is not False
        config["callbacks"] = with_own_callbacks(config["callbacks"], self.recorder, fits, saves)
        config["logger"] = with_own_logger(config["logger"], self.run.path, self.steps_done) if fits else False
        if not fits:
            config["enable_checkpointing"] = False
        with refused_settings(Trainer, vars(settings.trainer)):
            trainer: Trainer = super().instantiate_trainer(**kwargs)
        return trainer

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

    def after_validate(self) -> None:
        """Report the validation errors of the checkpoint."""
        self.recorder.report(self.trainer, "validation")

    def after_test(self) -> None:
        """Save what was predicted, complete the record, and draw the figures."""
        self.recorder.save_predictions(self.trainer, self.model)
        self.recorder.report(self.trainer, "test")
