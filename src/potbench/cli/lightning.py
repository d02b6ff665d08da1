"""fit, validate and test: Lightning's command line, with a run folder."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from jsonargparse import Namespace
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from potbench.cli.parsing import ConfigParser
from potbench.loading import AtomsDataModule
from potbench.runs.cost import Cost
from potbench.runs.folder import RunFolder
from potbench.runs.recorder import RunKeeper
from potbench.training import FeatureCache, Task
from potbench.training.csv_logger import CSVLogger
from potbench.training.memory import keep_freed_memory
from potbench.training.progress import ProgressBar
from potbench.training.wandb_logger import WandbLogger

RUN_DIR = "POTBENCH_{}__RUN_DIR"
ELEMENTS = "model.init_args.potential.init_args.elements"


class PotbenchCLI(LightningCLI):
    """LightningCLI whose runs leave a folder behind: config, checkpoints, metrics, record and figures."""

    run: RunFolder
    keeper: RunKeeper

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add --run_dir, and size potentials by the elements of the dataset."""
        parser.add_argument(
            "--run_dir", type=str | None, default=None, help="Folder of the run; by default runs/<config>/<time>."
        )
        parser.add_argument(
            "--run", type=str | None, default=None, help="A run: stands for its config, folder and checkpoint."
        )
        parser.link_arguments("data.elements", ELEMENTS, apply_on="instantiate")

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Commands that Lightning runs; `predict` is potbench's own."""
        commands = LightningCLI.subcommands()
        del commands["predict"]
        return commands

    @property
    def settings(self) -> Namespace:
        """The configuration of the command that runs."""
        settings: Namespace = self.config[str(self.subcommand)]
        return settings

    def before_instantiate_classes(self) -> None:
        """Find the run folder, and turn best and last into files."""
        settings = self.settings
        configs = settings.get("config") or []
        self.run = (
            RunFolder(settings.run_dir)
            if settings.run_dir
            else RunFolder.new(Path(str(configs[-1])) if configs else None)
        )
        settings.run_dir = str(self.run.path)
        # processes that Lightning starts for more devices read it here, or the time would give each its own folder
        os.environ[RUN_DIR.format(str(self.subcommand).upper())] = settings.run_dir
        if settings.ckpt_path:
            settings.ckpt_path = str(self.run.checkpoint(str(settings.ckpt_path)))
        if settings.weights_only is None:
            settings.weights_only = True
        if self.subcommand == "fit":
            self._refuse_other_run(settings)
        else:
            settings.verbose = False  # potbench prints its own table, with units

    def after_instantiate_classes(self) -> None:
        """Give the task its own recipe, so that its checkpoints can be loaded alone."""
        self._dump_config()
        recipe = self.config_dump["model"]
        recipe["init_args"]["potential"].setdefault("init_args", {})["elements"] = self.model.potential.elements
        self.model.recipe = recipe

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A Trainer that writes into the run folder."""
        settings = self.settings
        text = self._parser(self.subcommand).dump(_without_config_list(settings), skip_none=False, format="yaml")
        self.keeper = RunKeeper(self.run, text, settings.seed_everything, settings.ckpt_path, self._steps_done())
        config = self.config_init[str(self.subcommand)]["trainer"]
        config["default_root_dir"] = str(self.run.path)
        config["callbacks"] = self._callbacks(config.get("callbacks") or [])
        if self.subcommand == "fit":
            config["logger"] = self._loggers(config.get("logger"))
        else:
            config["logger"] = False
            config["enable_checkpointing"] = False
        trainer: Trainer = super().instantiate_trainer(**kwargs)
        return trainer

    def after_fit(self) -> None:
        """Complete the record."""
        self.keeper.end_fit(self.trainer)

    def after_validate(self) -> None:
        """Say the validation errors again, from the checkpoint."""
        self.keeper.report(self.trainer, "validation")

    def after_test(self) -> None:
        """Keep what was predicted, complete the record, and draw the figures."""
        self.keeper.keep_predictions(self.trainer, self.model)
        self.keeper.report(self.trainer, "test")

    def _callbacks(self, chosen: Callback | list[Callback]) -> list[Callback]:
        callbacks = list(chosen) if isinstance(chosen, list) else [chosen]
        ours: list[Callback] = [ProgressBar(), self.keeper]
        if self.subcommand == "fit":
            best_and_last = ModelCheckpoint(
                self.run.checkpoints,
                filename="best",
                monitor="validation/loss",
                save_last=True,
                enable_version_counter=False,
            )
            ours += [best_and_last, FeatureCache(), Cost()]
        kinds = {type(callback) for callback in callbacks}
        return callbacks + [callback for callback in ours if type(callback) not in kinds]

    def _loggers(self, chosen: Any) -> Any:
        loggers = chosen if isinstance(chosen, list) else [chosen] if chosen not in (None, True, False) else []
        for logger in loggers:
            if isinstance(logger, WandbLogger):
                logger.keep_in(self.run.path)
        return [CSVLogger(self.run.path, self.keeper.steps_done), *loggers]

    def _steps_done(self) -> int:
        if not self.settings.ckpt_path:
            return 0
        checkpoint = torch.load(self.settings.ckpt_path, weights_only=True, map_location="cpu", mmap=True)
        return int(checkpoint["global_step"])

    def _refuse_other_run(self, settings: Namespace) -> None:
        if self.run.config.is_file() and not settings.ckpt_path and int(os.environ.get("LOCAL_RANK", 0)) == 0:
            raise FileExistsError(
                f"{self.run.path} already holds a run, and nothing is overwritten. "
                "Expected a new folder: change --run_dir, or add --ckpt_path last to go on with that run."
            )


def fit(words: list[str]) -> None:
    """Train; `--run RUN` goes on with an interrupted run."""
    _run(["fit", *words])


def validate(words: list[str]) -> None:
    """Errors on the validation part; `--run RUN` needs nothing else."""
    _run(["validate", *words])


def test(words: list[str]) -> None:
    """Errors on the test part; `--run RUN` needs nothing else."""
    _run(["test", *words])


def _run(words: list[str]) -> None:
    keep_freed_memory()
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*`tensorboardX` has been removed.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*LightningCLI's args parameter is intended.*")
    warnings.filterwarnings("ignore", message=".*callbacks used to create the checkpoint need.*")
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        PotbenchCLI(
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
            parser_class=ConfigParser,
            parser_kwargs={"prog": "python -m potbench", "default_env": True, "env_prefix": "POTBENCH"},
            args=expand_run(words),
        )
    finally:
        os.environ.pop(RUN_DIR.format(words[0].upper()), None)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # a rank that leaves early can abort the others
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def expand_run(words: list[str]) -> list[str]:
    """Turn `--run RUN` into the config, the run folder and the best checkpoint of that run."""
    words = [part for word in words for part in (word.split("=", 1) if word.startswith("--run=") else [word])]
    if "--run" not in words:
        return words
    where = words.index("--run")
    if where + 1 == len(words):
        raise ValueError("--run stands without a folder. Expected the folder of a run behind it.")
    folder = RunFolder(words[where + 1])
    folder.require()
    rest = words[1:where] + words[where + 2 :]
    expanded = [words[0], "--config", str(folder.config), "--run_dir", str(folder.path)]
    if not any(word.startswith("--ckpt_path") for word in rest):
        expanded += ["--ckpt_path", "last" if words[0] == "fit" else "best"]
    return expanded + rest


def _without_config_list(settings: Namespace) -> Namespace:
    settings = settings.clone()
    for key in ("config", "run"):
        settings.pop(key, None)
    return settings
