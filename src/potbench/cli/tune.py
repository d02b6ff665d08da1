"""python -m potbench tune."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.errors import PotbenchError, RunError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from potbench.studies.searches.search import SearchFile, TrialBudget
    from potbench.studies.searches.trials import Trial

OF_PLACES = ("accelerator", "devices", "num_nodes", "logger", "enable_progress_bar", "default_root_dir")


def tune(
    search: Path,
    *,
    status: bool = False,
    search_dir: Path | None = None,
    allow: list[str] = [],  # noqa: B006 — never changed
) -> int:
    """Search for the best settings of a training, as a search file says.

    Each trial is an ordinary run; its errors on the validation set choose, and the test set is not looked at. The same
    command goes on where an interrupted one ended, and several at once share the work.

    Args:
        search: a search file, such as configs/searches/ani1_rates.yaml.
        status: only show the trials so far.
        search_dir: folder of the search; by default runs/tune/NAME.
        allow: packages that you trust, whose classes the configs may name beside those of potbench.
    """
    if not search.is_file():
        raise SettingError(tune, "search", str(search), "a search file", f"{search} does not exist")
    from potbench.cli.environment import drop_settings
    from potbench.studies.searches.search import read_search
    from potbench.studies.searches.search_folder import SearchFolder
    from potbench.studies.searches.search_results import write_results
    from potbench.studies.searches.trials import Trials
    from potbench.studies.searches.tune import SearchStopped
    from potbench.studies.searches.tune import search as search_for

    drop_settings()
    what = read_search(search)
    name = what.name or search.stem
    folder = SearchFolder(search_dir or Path("runs") / "tune" / name)

    def resolve(values: Mapping[str, object], budget: TrialBudget | None = what.budget) -> dict[str, Any]:
        return _config(search, what, values, budget, allow)

    first = {key: each.value(each.extremes()[0]) for key, each in what.parameters.items()}
    identity = _identity(resolve(first))
    if status:
        if not folder.search.is_file():
            raise RunError(f"{folder.path} is no search: it has no {folder.search.name}. Nothing was begun there yet.")
        trials = Trials(folder, what, identity)
        _show(trials.all(), what)
        return 0
    try:
        found = search_for(folder.path, what, resolve, identity, lambda line: print(line, flush=True))
    except SearchStopped as stop:
        print(f"\n{stop}")
        return 128 + stop.signal
    write_results(folder, name, what, found, resolve(found.best, None))
    _show(found.trials, what)
    print(f"The best, trial {found.number}, with {what.column} {found.value:.4g}: {folder.best}")
    return 0


def _config(
    file: Path, what: SearchFile, values: Mapping[str, object], budget: TrialBudget | None, allow: Sequence[str]
) -> dict[str, Any]:
    """Return the whole config with some values; None for the budget trains as long as the config says."""
    from potbench.cli.config_of_fit import config_of_fit
    from potbench.cli.loss_of_config import weights_forces

    every = {**what.set, **values}
    given = [f"--{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in every.items()]
    allowed = [f"--allow={json.dumps(list(allow))}"] if allow else []
    try:
        config = config_of_fit(["--config", str(what.config), *given, *allowed])
        what.require_measured(weights_forces(config))
    except PotbenchError as error:
        listed = ", ".join(f"{key}: {value}" for key, value in values.items())
        raise PotbenchError(f"{error} So it is with {listed} in {file}.") from error
    trainer = config["trainer"]
    if what.accelerator != "auto":
        trainer["accelerator"] = what.accelerator
    if budget is not None:
        trainer |= {"enable_progress_bar": False, **_length(trainer, budget)}
    return config


def _length(trainer: Mapping[str, Any], budget: TrialBudget) -> dict[str, int]:
    """Return the settings by which a trial ends."""
    if budget.steps:
        return {"max_steps": budget.steps, "max_epochs": -1}
    if budget.epochs:
        return {"max_steps": -1, "max_epochs": budget.epochs}
    settings = ("max_steps", "max_epochs")
    given = {name: trainer[name] for name in settings if (trainer.get(name) or -1) > 0}
    if budget.fraction and not given:
        raise PotbenchError(
            "budget.fraction is given, and the config says neither trainer.max_epochs nor trainer.max_steps. Expected "
            "one of them. Add it to the config, or give budget.steps or budget.epochs."
        )
    return {name: ceil(value * (budget.fraction or 1)) for name, value in given.items()}


def _identity(config: dict[str, Any]) -> str:
    """Return the sha256 of what the numbers of trials depend on."""
    config["trainer"] = {key: value for key, value in config["trainer"].items() if key not in OF_PLACES}
    config["data"].get("init_args", {}).pop("root", None)
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def _show(trials: Sequence[Trial], what: SearchFile) -> None:
    """Print the trials, the best first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from potbench.studies.searches.space import short_names
    from potbench.studies.searches.trials import COUNTED

    heads = map(escape, short_names(list(what.parameters)))
    table = Table("Trial", "State", what.column, "Seconds", "CPU s", *heads, box=None)
    for trial in sorted(trials, key=lambda each: (each.state != "finished", each.value or 0.0, each.number)):
        value = "" if trial.value is None else f"{trial.value:.4g}"
        chosen = (escape(_short(each)) for each in trial.chosen.values())
        cost = f"{trial.seconds:.0f}", f"{trial.cpu_seconds:.0f}"
        table.add_row(str(trial.number), trial.state, value, *cost, *chosen)
    console = Console(highlight=False)
    console.print(table)
    counts = Counter[str](trial.state for trial in trials)
    done = sum(counts[state] for state in COUNTED)
    listed = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    console.print(f"{done} of {what.num_trials} trials done: {listed or 'none begun'}.")
    for trial in trials:
        if trial.state == "failed":
            console.print(f"Trial {trial.number} failed: {trial.said}", markup=False, soft_wrap=True)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return Path(str(value)).stem if str(value).endswith((".yaml", ".yml")) else str(value)
