"""fit, validate and test: Lightning's command line, with a run folder."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from typing_extensions import override

from potbench.cli import known
from potbench.cli.config_blocks import with_blocks_below
from potbench.cli.environment import check_environment, variable
from potbench.cli.fit_arguments import INPUTS, FitKeys, add_fit_arguments, require_together
from potbench.cli.foreign import refused_settings
from potbench.cli.parsing import ConfigParser, flags_in
from potbench.cli.places import require_values
from potbench.cli.refusals import refusals
from potbench.cli.run_arguments import allowed_in, configs_in, expand, is_lent, typed_in
from potbench.errors import PotbenchError, require_positive
from potbench.loading import AtomsDataModule
from potbench.runs.allowed import Allowed
from potbench.runs.checkpoint import read_checkpoint
from potbench.runs.current_folder import import_from_here
from potbench.runs.folder import RunFolder
from potbench.runs.processes import is_first, layout, require_startable, started
from potbench.runs.trainer_parts import with_own_plugins
from potbench.runs.written_places import require_root
from potbench.training import Task

ELEMENTS = "model.init_args.potential.init_args.elements"
LARGEST_SEED = 2**32 - 1


class RunParser(ConfigParser, LightningArgumentParser):
    """The parser of fit, validate and test."""

    @override
    def parse_string(self, content: str, path: str | os.PathLike[str] = "", *more: Any, **settings: Any) -> Namespace:
        whole = with_blocks_below(content, os.fspath(path))
        found: Namespace = super().parse_string(whole, path, *more, **settings)
        return found

    @override
    def dump(self, *more: Any, **settings: Any) -> str:
        # what was parsed is valid; checking it again takes longer than all the rest
        text: str = super().dump(*more, **{**settings, "skip_validation": True})
        return text


class PotbenchCLI(LightningCLI, ABC):
    """LightningCLI of a run, which is in a folder.

    Args:
        command: fit, validate or test.
        arguments: what is behind it.
        at_the_end: gives the folder of the run back, whatever happens.

    Attributes:
        command: fit, validate or test.
        is_own: whether the user names all that is built; else it is held against what is allowed.
        chooses_root: whether a flag says where datasets are prepared.
        allowed: packages and folders.
    """

    command: str
    is_own: bool
    chooses_root: bool
    allowed: Allowed
    run: RunFolder
    written: str  # the config of the run

    def __init__(self, command: str, arguments: list[str], at_the_end: ExitStack) -> None:
        self.command = command
        self.config = Namespace({command: Namespace()})  # type: ignore[no-untyped-call]
        self.typed = arguments
        self.at_the_end = at_the_end
        self.steps_done = 0
        self.trained_elements: list[str] | None = None  # of a checkpoint
        with refusals(lambda: FitKeys(self.config[command])):
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
                args=[command, *self._trusted(command, arguments)],
            )

    @override
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument(
            "run", nargs="?", type=str | None, default=None, help="A run: its config, folder and checkpoint are used."
        )
        parser.add_argument(
            "--run_dir", type=str | None, default=None, help="Folder of the run; by default runs/<config>/<time>."
        )
        parser.add_argument(
            "--allow", type=list[str], default=[], help="Packages that you trust: a run may name their classes too."
        )
        # potentials are sized by the elements of the dataset
        parser.link_arguments("data.elements", ELEMENTS, compute_fn=self.elements, apply_on="instantiate")

    @override
    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        if subcommand != self.command:  # is not asked for, and would take its time
            return self.init_parser(**kwargs)
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        add_fit_arguments(parser, subcommand == "fit")
        return parser

    @staticmethod
    @override
    def subcommands() -> dict[str, set[str]]:
        commands = LightningCLI.subcommands()
        del commands["predict"]  # potbench has its own
        return commands

    @property
    def settings(self) -> Namespace:
        """The configuration of the command that runs."""
        settings: Namespace = self.config[self.command]
        return settings

    @property
    def fits(self) -> bool:
        """Whether the command trains."""
        return self.command == "fit"

    @override
    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        check_environment(self.command, known.own_settings(self._parser(self.command)))
        super().parse_arguments(parser, args)
        settings = self.settings
        seed = settings.seed_everything
        if not 0 <= seed <= LARGEST_SEED:
            raise PotbenchError(
                f"seed_everything is {seed}, expected 0 to {LARGEST_SEED}, or false for none. Change seed_everything."
            )
        for name in ("accumulate_grad_batches", "check_val_every_n_epoch"):
            require_positive(Trainer, **{name: settings.trainer[name]})  # Lightning divides by it
        require_values(settings, ELEMENTS)
        layout(settings.trainer.devices, settings.trainer.num_nodes)
        settings.weights_only = True  # all that a checkpoint of potbench needs
        parsed = known.plain(self.config_of_the_run(settings))
        if self.is_own:
            self.allowed = self.allowed.with_those_of(parsed)
        else:
            self.allowed.require(parsed, "The config")
        self._find_run(settings)
        if self.run.config.is_file():
            self.allowed.require(known.content(self.run.config), self.run.config, self.run.path)
        self.begin(settings)

    @abstractmethod
    def begin(self, settings: Namespace) -> None:
        """Find the checkpoint that the command begins with, before anything is made; fill in `written`.

        Args:
            settings: of the command.
        """

    @abstractmethod
    def prepare(self, settings: Namespace, config: dict[str, Any]) -> None:
        """Add callbacks and loggers to the arguments of the Trainer.

        Args:
            settings: of the command.
            config: the arguments.
        """

    @override
    def _parse_ckpt_path(self) -> None:
        """Leave the config as it is: it is whole without what a checkpoint says of the task."""

    def _trusted(self, command: str, arguments: list[str]) -> list[str]:
        """Return the arguments as the parser reads them, once the configs of runs are known to name no one's code.

        What a config of the user's own names is built by fit, also from the current folder.
        """
        expanded = expand(command, arguments)
        self.allowed = Allowed.by_flag(allowed_in(arguments)).with_typed(typed_in(arguments))
        self.is_own = command == "fit" and not is_lent(expanded)
        self.chooses_root = bool({"data.root", "data.init_args.root"} & set(flags_in(arguments)))
        if self.is_own:
            import_from_here()
            return expanded
        for file in configs_in(expanded):
            config = known.content(file)
            self.allowed.require(config, file, file.parent)
            self.allowed.require_places(config.get("trainer") if isinstance(config, dict) else None, file.parent)
        return expanded

    def _find_run(self, settings: Namespace) -> None:
        """Find the folder of the run, or make one."""
        named_by = variable(self.command, "run_dir")
        run_dir = settings.run_dir or os.environ.get(named_by)
        if self.fits:
            require_together(settings, bool(run_dir))
        if run_dir:
            self.run = RunFolder(run_dir)
        else:
            found = started()
            if found:
                raise PotbenchError(
                    f"{found.program} has started several processes, and each would name a folder by the time. "
                    "Expected one for all of them. Add --run_dir."
                )
            configs = [file for file in settings.get("config") or [] if file is not None]
            self.run = RunFolder.new(Path(str(configs[-1])) if configs else None)
            self.at_the_end.callback(self.run.discard)
        settings.run_dir = str(self.run.path)
        # processes that Lightning starts for more devices read it here
        os.environ[named_by] = settings.run_dir

    def read(self, checkpoint: Path) -> None:
        """Find out how far training had come, and for which elements."""
        content = read_checkpoint(checkpoint)
        self.allowed.require(content.whole_recipe, checkpoint)
        self.steps_done, self.trained_elements = content.steps_done, content.elements

    def config_of_the_run(self, settings: Namespace) -> str:
        """Return the settings that belong to a run, as YAML."""
        config = settings.clone()
        for name in INPUTS:
            config.pop(name, None)
        text: str = self._parser(self.command).dump(config, skip_unset=False, format="yaml")
        return text

    def elements(self, of_dataset: list[str]) -> list[str]:
        """Return what the potential is built for; one that is trained already may know elements that the data lack."""
        return of_dataset if self.trained_elements is None else self.trained_elements

    def say(self, message: str) -> None:
        """Print a message, once for all processes."""
        if is_first():
            print(message, flush=True)

    @override
    def after_instantiate_classes(self) -> None:
        # the task saves the recipe of its potential alone: what trains it is in the config
        self._dump_config()
        potential = self.config_dump["model"]["init_args"]["potential"]
        potential.setdefault("init_args", {})["elements"] = self.model.potential.elements
        self.model.recipe = {"init_args": {"potential": potential}}
        if not self.is_own and not self.chooses_root:
            require_root(self.datamodule, self.run.path, self.allowed)

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        settings = self.settings
        config = self.config_init[self.command]["trainer"]
        config["default_root_dir"] = str(self.run.path)
        config["devices"], config["num_nodes"] = layout(config["devices"], config["num_nodes"])
        config["plugins"] = with_own_plugins(config["plugins"], config["strategy"], self.fits)
        self.prepare(settings, config)
        with refused_settings(Trainer, vars(settings.trainer)):
            trainer: Trainer = super().instantiate_trainer(**kwargs)
        require_startable(trainer)
        return trainer
