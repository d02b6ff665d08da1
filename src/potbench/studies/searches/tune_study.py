"""Tunes the architectures of a study before they are compared: the same number of trials for each on each dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from potbench.errors import PotbenchError
from potbench.studies.cells import Searched
from potbench.studies.planning.cell_config import Config
from potbench.studies.planning.left_out import decided_by
from potbench.studies.planning.planner import Pair, Planner, Tuned
from potbench.studies.searches.search import STAGE, Search
from potbench.studies.searches.search_folder import SearchFolder
from potbench.studies.searches.search_results import write_results, write_table
from potbench.studies.searches.space import SpaceError
from potbench.studies.searches.trials import Trials
from potbench.studies.searches.tune import Resolve, require_values, result_of, search
from potbench.studies.study import Study, Tuning


class SearchOfStudy(NamedTuple):
    """What is searched for an architecture on a dataset.

    Attributes:
        what: the search.
        folder: of the search; another one where the configs or the space have changed.
        part: of the budget of the study that each trial trains.
    """

    what: Search
    folder: SearchFolder
    part: float


def tune_study(planner: Planner, only: Sequence[str] = (), say: Callable[[str], None] = print) -> Tuned:
    """Search for the best values of each architecture on each dataset; return architecture and dataset → values.

    Each search tries trainings of a part of the budget, on the frames of the first training of the largest size; the
    errors on its validation frames choose, and nobody looks at the test frames. A search that is done costs nothing.
    The folder of tuning has a table of the trials of each: what was tried, what came of it, and how long it took.

    Args:
        planner: of the study.
        only: parts of labels; the architectures and datasets of other cells are not searched. Empty for all.
        say: told of each trial that ends.

    Raises:
        SearchStopped: a signal asked to end.
        MissingPackageError: Optuna is not installed.
        PotbenchError: fit refuses a value, or trials fail again and again.
    """
    require_searches(planner)
    tuned: dict[Pair, Mapping[str, object]] = {}
    for pair, (what, folder, part) in searches_of(planner):
        if only and not any(text in _labels(planner, pair) for text in only):
            continue
        name = " on ".join(pair)
        say(f"Searching for the best of {name}: {', '.join(what.space)}")
        found = search(folder.path, what, _resolve(planner, pair, what, part), say=partial(_say, say, name))
        write_results(folder, name, what, found, planner.trial(pair, found.best, 1.0))
        write_table(planner.folder.trials(*pair), found.trials, list(what.parameters))
        tuned[pair] = found.best
    return tuned


def require_searches(planner: Planner) -> None:
    """Refuse what one of the searches cannot do, before any of them begins.

    Raises:
        PotbenchError: fit refuses a value, the study decides it, or the trials would not measure what chooses.
    """
    for pair, (what, _, part) in searches_of(planner):
        for key in what.space:
            if by := decided_by(planner.study, key, planner.pairs[pair].is_solved):
                raise PotbenchError(
                    f"{' on '.join(pair)}: {key} is searched, and {by} decides it for all, so that its trials would "
                    f"be the same. Expected a setting that the study leaves open. Remove {key} from the space."
                )
        require_values(what, _resolve(planner, pair, what, part))


def found_so_far(planner: Planner) -> Tuned:
    """Return the values of the searches that are done; nothing is started."""
    tuned = {}
    for pair, (what, folder, _) in searches_of(planner):
        if folder.search.is_file() and not (trials := Trials(folder, what)).num_left:
            tuned[pair] = result_of(trials).best
    return tuned


def searched(planner: Planner, tuned: Tuned) -> list[Searched]:
    """Return where the trials are that values were found by."""
    return [
        Searched(*pair, folder.table.relative_to(planner.folder.path).as_posix())
        for pair, (_, folder, _) in searches_of(planner)
        if pair in tuned
    ]


def searches_of(planner: Planner) -> Iterator[tuple[Pair, SearchOfStudy]]:
    """Yield the search of each architecture and dataset of which something is searched."""
    study, tuning = planner.study, planner.study.tuning
    if tuning is None:
        return
    for pair, place in planner.largest.items():
        space = space_of(study, tuning, pair[0])
        if not space:
            continue
        what = Search(
            space=space,
            objective=STAGE + (tuning.objective or study.metric),
            trials=tuning.trials,
            seed=study.trainings.seed,
            at_once=study.run.at_once,
            threads=study.run.threads,
        )
        # the same whatever the number of trials: more of them go on where fewer have ended
        identity = planner.identity(place, planner.pairs[pair].config, planner.trial(pair, {}, tuning.budget))
        facts = json.dumps([identity, what.space, what.objective, what.seed], sort_keys=True)
        name = hashlib.sha256(facts.encode()).hexdigest()[:8]
        tables = planner.folder.trials(*pair), planner.folder.earlier_trials(*pair)
        folders = [table.parent / name for table in tables]
        folder = next((each for each in folders if each.is_dir()), folders[0])
        yield pair, SearchOfStudy(what, SearchFolder(folder), tuning.budget)


def untuned(study: Study) -> list[str]:
    """Return the architectures of a study with tuning of which nothing is searched."""
    if study.tuning is None:
        return []
    return [name for name in study.architectures if not space_of(study, study.tuning, name)]


def space_of(study: Study, tuning: Tuning, architecture: str) -> dict[str, object]:
    """Return what is searched for an architecture: what is searched for all, and its own on top."""
    return {**tuning.space, **study.architectures[architecture].space}


def _resolve(planner: Planner, pair: Pair, what: Search, part: float) -> Resolve:
    """Return what makes the configs of the trials of an architecture on a dataset."""

    def resolve(values: Mapping[str, object]) -> Config:
        try:
            what.require_measured(planner.resolved(pair, values).weights_forces)
        except SpaceError as error:
            raise SpaceError(f"{' on '.join(pair)}: {error}") from error
        return planner.trial(pair, values, part)

    return resolve


def _labels(planner: Planner, pair: Pair) -> str:
    """Return the labels of all cells of an architecture and a dataset."""
    return "\n".join(place.label for place in planner.places if place[:2] == pair)


def _say(say: Callable[[str], None], name: str, line: str) -> None:
    say(f"{name}: {line}")
