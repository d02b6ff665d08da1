"""Arguments of fit, validate and test before the parser sees them: a run, and blocks named by their files."""

from __future__ import annotations

import json
import os
import re
import sys
from itertools import pairwise, zip_longest
from pathlib import Path

from potbench.cli import known
from potbench.cli.parsing import flags_in, positional_in
from potbench.errors import PotbenchError, RunError
from potbench.runs.available import changed_places
from potbench.runs.folder import RunFolder
from potbench.runs.processes import is_first

CONFIG = ("--config", "-c")
LARGEST_BLOCK = 1_000_000
"""Bytes; what is larger holds data."""
BLOCK = re.compile(r"--(data|model)(\.\w+)*")


def expand(command: str, arguments: list[str]) -> list[str]:
    """Return the arguments as the parser reads them.

    Args:
        command: fit, validate or test.
        arguments: what is behind it.

    Raises:
        RunError: the folder of a run is none.
    """
    return empty_replaced_blocks(without_places(expand_run(command, arguments)))


def expand_run(command: str, arguments: list[str]) -> list[str]:
    """Put the config that a run stands for before the arguments: RUN, --run RUN of earlier versions, --from RUN.

    RUN stays, before all others, so that it is known that the run was named.
    """
    split = ("--run=", "--from=")
    given = [part for one in arguments for part in (one.split("=", 1) if one.startswith(split) else [one])]
    for flag in ("--run", "--from"):
        if flag in given and (given[-1] == flag or not given[given.index(flag) + 1]):
            raise PotbenchError(f"{flag} has no value. Expected the folder of a run behind it.")
    flags = flags_in(given)
    if command != "fit" and "from" in flags:
        raise PotbenchError(f"--from starts a training. Expected it behind fit, not {command}. Remove it.")
    if "--run" in given:
        run = given.pop(given.index("--run") + 1)
        given.remove("--run")
    else:
        named = positional_in(_without_lists(given))
        if named is None:
            return _with_config_of_parent(given)
        run = given.pop(given.index(named))
    if "from" in flags:
        raise PotbenchError(
            f"{run} is a run to resume, and --from starts a new one. Expected one of them. Remove {run} or --from."
        )
    if Path(run).is_file() and Path(run).suffix in {".yaml", ".yml"}:
        raise RunError(f"{run} is a file. Expected the folder of a run, or a config: {command} --config {run}.")
    folder = RunFolder(run)
    folder.require()
    here = [] if command == "fit" else _places_here(folder)
    return [run, "--config", str(folder.config), *here, "--run_dir", str(folder.path), *given]


def _places_here(folder: RunFolder) -> list[str]:
    """Return arguments that evaluate a run on this machine where it lacks what the run was trained on."""
    config = known.content(folder.config)
    trainer = config.get("trainer") if isinstance(config, dict) else None
    if not isinstance(trainer, dict):
        return []
    changed = changed_places(trainer)
    if changed and is_first():
        trained = ", ".join(f"{name} {trainer[name]}" for name in changed)
        print(
            f"{folder.path} was trained with {trained}, which is not here: evaluated on what there is.", file=sys.stderr
        )
    return [f"--trainer.{name}={value}" for name, value in changed.items()]


def is_lent(expanded: list[str]) -> bool:
    """Return whether the config among expanded arguments is that of a run, and none that the user names."""
    return bool(expanded) and (not expanded[0].startswith("-") or "--from=null" in expanded)


def configs_in(expanded: list[str]) -> list[Path]:
    """Return the files that are given as configs or blocks of them."""
    separate = [part for one in expanded for part in one.split("=", 1)]
    named = [(flag in CONFIG, Path(file)) for flag, file in pairwise(separate) if os.path.isfile(file)]  # noqa: PTH113 — any text
    return [file for is_config, file in named if is_config or file.stat().st_size < LARGEST_BLOCK]


def typed_in(arguments: list[str]) -> list[str]:
    """Return what the user typed, flags and values apart, without the names of files: these may be anybody's."""
    return [part for one in arguments for part in one.split("=", 1) if not os.path.isfile(part)]  # noqa: PTH113 — any text


def allowed_in(arguments: list[str]) -> list[str]:
    """Return the values of --allow, which are needed before a parser reads configs."""
    found: list[str] = []
    takes_it = False
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        takes_it = flag == "--allow" if argument.startswith("-") else takes_it
        given = value if equals and flag == "--allow" else argument if not argument.startswith("-") else ""
        found += re.findall(r"[^][\s,\"']+", given) if takes_it else []
    return found


def _without_lists(given: list[str]) -> list[str]:
    """Leave out the values of --freeze and --allow, which take several."""
    found: list[str] = []
    takes_all = False
    for argument in given:
        takes_all = argument in {"--freeze", "--allow"} if argument.startswith("-") else takes_all
        if argument.startswith("-") or not takes_all:
            found.append(argument)
    return found


def _with_config_of_parent(given: list[str]) -> list[str]:
    """Begin with the config of the run that --from names, unless one is given."""
    if "--from" not in given or any(one.partition("=")[0] in CONFIG for one in given):
        return given
    path = Path(given[given.index("--from") + 1])
    parent = RunFolder(path.parent.parent if path.is_file() else path)
    config = ["--config", str(parent.config)] if parent.config.is_file() else []
    return [*config, "--from=null", "--freeze=[]", *given]


def without_places(arguments: list[str]) -> list[str]:
    """Keep the config of a run from saying where that run is and what it resumed from, as it did earlier."""
    expanded: list[str] = []
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        expanded.append(argument)
        flag, equals, value = argument.partition("=")
        file = argument if previous in CONFIG else value if flag in CONFIG and equals else None
        if file and RunFolder(Path(file).parent).is_config(Path(file)):
            expanded += ["--run_dir=null", "--ckpt_path=null"]
    return expanded


def empty_replaced_blocks(arguments: list[str]) -> list[str]:
    """Empty each block that a file replaces; jsonargparse would keep arguments that the file does not name.

    `--model.potential FILE` becomes `--config={"model.init_args.potential": null} --model.potential FILE`.
    """
    expanded: list[str] = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        flag, equals, value = argument.partition("=")
        if BLOCK.fullmatch(flag) and (value if equals else following).endswith((".yaml", ".yml")):
            key = ".init_args.".join(one for one in flag[2:].split(".") if one != "init_args")
            expanded.append(f"--config={json.dumps({key: None})}")
        expanded.append(argument)
    return expanded
