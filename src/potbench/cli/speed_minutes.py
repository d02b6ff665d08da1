"""python -m potbench speed minutes."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from potbench.errors import RunError, SettingError, require_new_file


def minutes(arguments: list[str]) -> int:
    """Train architectures side by side for some minutes each, and compare their test errors."""
    from potbench.cli.several import run_several

    example = "configs/rmd17/painn.yaml configs/rmd17/ani_hybrid.yaml"
    return run_several(train, arguments, "speed minutes", "CONFIG", "configs of trainings", example)


def train(
    *,
    configs: list[str],
    minutes: float = 5.0,
    dataset_config: Path | None = None,
    threads: int = 1,
    folder: Path | None = None,
    allow: list[str] = [],  # noqa: B006 — never changed
    json: Path | None = None,
) -> int:
    """Train architectures side by side for some minutes each, and compare their test errors.

    The minutes are CPU time of a training, from its first step to its last; steps are timed before, and as many are
    planned, so that the learning rate ends its cycle. A closed form takes what it takes. Trainings take turns of a few
    seconds each, so that whatever else the machine does slows all alike. The same command with the same folder goes on
    where an interrupted one ended. The exit status is 1 where a training failed.

    Args:
        configs: of trainings, such as configs/rmd17/painn.yaml; CONFIG CONFIG... without a flag. Several files of one
            training are joined: configs/rmd17/painn.yaml+configs/training/energies_and_forces.yaml.
        minutes: of CPU time, for each training.
        dataset_config: a file such as configs/data/md17.yaml, on which all train; by default what the configs name,
            which must be the same.
        threads: of each training.
        folder: of the runs; by default a new one, runs/minutes/TIME.
        allow: packages that you trust, whose classes the configs may name beside those of potbench.
        json: file to write the figures to.
    """
    if not minutes > 0:
        raise SettingError(train, "minutes", minutes, "more than 0")
    if threads < 1:
        raise SettingError(train, "threads", threads, "at least 1")
    require_new_file(train, json=json)
    names = [_name(one) for one in configs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        problem = f"Two configs are called {twice[0]}"
        raise SettingError(train, "configs", " ".join(configs), "files of different names", problem)

    import numpy as np
    import yaml

    from potbench.cli.config_of_fit import config_of_fit
    from potbench.cli.environment import drop_settings
    from potbench.cli.fit_budget import FIT, is_solved
    from potbench.shipped.configs import with_shipped
    from potbench.speed.minutes import is_tested, measure
    from potbench.studies.running.commands import POTBENCH
    from potbench.whole_file import write_text

    drop_settings()
    more = ["--data", str(dataset_config)] if dataset_config else []
    more += ["--trainer.accelerator", "cpu", "--trainer.devices", "1", "--trainer.enable_progress_bar", "false"]
    allowed = ["--allow", *allow] if allow else []
    whole: dict[str, dict[str, Any]] = {}
    for name, files in zip(names, configs, strict=True):
        given = [word for file in files.split("+") for word in ("--config", with_shipped(file))]
        whole[name] = config_of_fit([*given, *more, *allowed])
    for name, config in whole.items():
        if _frames(config) != _frames(whole[names[0]]):
            problem = f"{name} trains on other frames than {names[0]}"
            raise SettingError(train, "dataset_config", None, "one dataset for all", problem)
    place = folder or Path("runs") / "minutes" / time.strftime("%Y-%m-%d_%H-%M-%S")
    texts = {name: yaml.safe_dump(config, sort_keys=False, allow_unicode=True) for name, config in whole.items()}
    time_of_each = f"{np.format_float_positional(minutes, trim='-')}min CPU"
    for name, text in texts.items():
        if (place / f"{name}.yaml").exists() and (place / f"{name}.yaml").read_text(encoding="utf-8") != text:
            problem = f"{place / name} was trained with another config"
            raise SettingError(train, "folder", str(place), "a new folder, or the command that began it", problem)
        _require_same(place / name, time_of_each, threads)
    place.mkdir(parents=True, exist_ok=True)
    commands: dict[str, list[list[str]]] = {}
    for name, config in whole.items():
        file, run = place / f"{name}.yaml", place / name
        write_text(file, texts[name])
        budget = [] if is_solved(config["model"]["class_path"]) else ["--budget", time_of_each]
        fit = [word.format(config=file, run=run) for word in FIT]
        commands[name] = [[*fit, *budget, "--resume", "auto", *allowed]]
        if not is_tested(run):
            commands[name].append([*POTBENCH, "test", str(run), *allowed])
    print(f"{', '.join(names)} take turns; what they print is in {place}/*.log", flush=True)
    report = measure(commands, place, minutes, threads)
    report.show()
    if json:
        report.save(json)
    return int(any(row.failure for row in report.rows))


def _require_same(run: Path, budget: str, threads: int) -> None:
    """Raise RunError where a folder holds a run of other minutes or threads: a table says these of all its rows.

    Args:
        run: the folder, which need not exist.
        budget: time of the training, as `fit --budget` takes it.
        threads: of the training.
    """
    from potbench.runs.folder import RunFolder
    from potbench.runs.record import Record
    from potbench.runs.time_budget import time_of

    if not RunFolder(run).record.is_file():
        return
    record = Record.load(run)
    was = record.provenance.machine.threads
    if was != threads:
        raise RunError(
            f"{run} was trained on {was} threads, and --threads is {threads}. Expected the command that began it. "
            "Change --threads, or choose another --folder."
        )
    if record.planned is not None and record.planned.time != time_of(budget):
        time = record.planned.time
        raise RunError(
            f"{run} was planned for {time.value:g} {time.unit}, and --minutes for {budget}. Expected the command that "
            "began it. Change --minutes, or choose another --folder."
        )


def _name(files: str) -> str:
    """Return what a training is called: painn+muon."""
    return "+".join(Path(file).stem for file in files.split("+"))


def _frames(config: dict[str, Any]) -> list[Any]:
    """Return what says which frames train and are tested."""
    return [config["data"]["init_args"].get(name) for name in ("dataset", "split")]
