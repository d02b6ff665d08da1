"""What a search leaves: the best config, a table of its trials, figures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from potbench.reporting.parameters_figure import ParameterShown, draw_parameters
from potbench.reporting.search_figure import draw_search
from potbench.reporting.style import png, svg
from potbench.runs.metrics import UNITS
from potbench.studies.searches.search import STAGE, Search
from potbench.studies.searches.search_folder import SearchFolder
from potbench.studies.searches.space import Choice, Numbers, short_names
from potbench.studies.searches.trials import Trial
from potbench.studies.searches.tune import SearchResult
from potbench.whole_file import whole_file, write_text


def write_results(folder: SearchFolder, name: str, search: Search, result: SearchResult, best: dict[str, Any]) -> None:
    """Write best config, table and figures; earlier ones are replaced.

    Args:
        folder: of the search.
        name: of the search.
        search: what was asked for.
        result: what was found.
        best: whole config with the best values.
    """
    write_text(folder.best, best_config(folder, search, result, best))
    write_table(folder.table, result.trials, list(search.parameters))
    unit = UNITS.get(search.column.removeprefix(STAGE), "")
    figures = {"search": draw_search({name: result.curve}, search.column, unit, {name: result.expected})}
    shown = [
        ParameterShown(
            name,
            [trial.chosen[key] for trial in result.trials],
            list(each.values) if isinstance(each, Choice) else None,
            isinstance(each, Numbers) and each.log,
        )
        for name, (key, each) in zip(short_names(list(search.parameters)), search.parameters.items(), strict=True)
    ]
    values = [trial.value for trial in result.trials]
    states = [trial.state for trial in result.trials]
    figures["parameters"] = draw_parameters(shown, values, states, search.column, unit)
    for file, figure in figures.items():
        folder.figures.mkdir(exist_ok=True)
        with whole_file(folder.figures / f"{file}.png") as partial:
            partial.write_bytes(png(figure))
        write_text(folder.figures / f"{file}.svg", svg(figure))


def best_config(folder: SearchFolder, search: Search, result: SearchResult, config: dict[str, Any]) -> str:
    """Return the config with the best values as YAML, with where it comes from."""
    unit = UNITS.get(search.column.removeprefix(STAGE), "")
    lines = [
        f"Best of {len(result.trials)} trials of {folder.path} ({search.sampler}, seed {search.seed}): trial "
        f"{result.number}, {search.column} {result.value:.4g} {unit}".rstrip()
        + ".",
        *(f"{key}: {value}" for key, value in result.best.items()),
        "It trains as long as the config that was searched, from the beginning.",
    ]
    comment = "".join(f"# {line}\n" for line in lines)
    return comment + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def write_table(file: Path, trials: Sequence[Trial], keys: Sequence[str]) -> None:
    """Write a line for each trial: number, state, value, what it took, what was chosen."""
    with whole_file(file) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["number", "state", "value", "seconds", "cpu_seconds", *keys])
        for trial in trials:
            value = "" if trial.value is None else trial.value
            cost = [f"{trial.seconds:.1f}", f"{trial.cpu_seconds:.1f}"]
            writer.writerow([trial.number, trial.state, value, *cost, *(trial.chosen[key] for key in keys)])
