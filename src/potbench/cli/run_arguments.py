"""Arguments of fit, validate and test before the parser sees them: a run, and blocks named by their files."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from pathlib import Path

from potbench.cli.parsing import positional_in
from potbench.errors import PotbenchError, RunError
from potbench.runs.folder import RunFolder

BLOCK = re.compile(r"--(data|model)(\.\w+)*")


def expand(command: str, arguments: list[str]) -> list[str]:
    """Return the arguments as the parser reads them.

    Args:
        command: fit, validate or test.
        arguments: what is behind it.

    Raises:
        RunError: the folder of a run is none.
    """
    return empty_replaced_blocks(expand_run(command, arguments))


def expand_run(command: str, arguments: list[str]) -> list[str]:
    """Turn RUN, or --run RUN as in earlier versions, into the config, the folder and a checkpoint of that run."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--run=") else [word])]
    if "--run" in words:
        if words[-1] in {"--run", ""}:
            raise PotbenchError("--run has no value. Expected the folder of a run behind it.")
        run = words.pop(words.index("--run") + 1)
        words.remove("--run")
    else:
        named = positional_in(words)
        if named is None:
            return words
        run = words.pop(words.index(named))
    if Path(run).is_file() and Path(run).suffix in {".yaml", ".yml"}:
        raise RunError(f"{run} is a file. Expected the folder of a run, or a config: {command} --config {run}.")
    folder = RunFolder(run)
    folder.require()
    expanded = ["--config", str(folder.config), "--run_dir", str(folder.path)]
    if not any(word.startswith("--ckpt_path") for word in words):
        expanded += ["--ckpt_path", "last" if command == "fit" else "best"]
    return expanded + words


def empty_replaced_blocks(arguments: list[str]) -> list[str]:
    """Empty each block that a file replaces; jsonargparse would keep arguments that the file does not name.

    `--model.potential FILE` becomes `--config={"model.init_args.potential": null} --model.potential FILE`.
    """
    expanded: list[str] = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        flag, equals, value = argument.partition("=")
        if BLOCK.fullmatch(flag) and (value if equals else following).endswith((".yaml", ".yml")):
            key = ".init_args.".join(part for part in flag[2:].split(".") if part != "init_args")
            expanded.append(f"--config={json.dumps({key: None})}")
        expanded.append(argument)
    return expanded
