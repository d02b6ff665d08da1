"""Searches for the best settings of a training: trials by Optuna, each a run of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from potbench.errors import PotbenchError, RunError
from potbench.structures import FloatArray
from potbench.studies.running.devices import devices_of
from potbench.studies.running.forwarding import forwarded
from potbench.studies.searches.expected_best import best_so_far, expected_best
from potbench.studies.searches.search import Search
from potbench.studies.searches.search_folder import SearchFolder
from potbench.studies.searches.trial_run import TrialRun
from potbench.studies.searches.trials import COUNTED, Trial, Trials

Resolve = Callable[[Mapping[str, object]], dict[str, Any]]
"""Values of the keys that are searched → whole config of a trial; raises PotbenchError where fit would refuse it."""
PAUSE = 1.0
"""Seconds after which is looked again whether a trial of another process has ended."""


@dataclass(frozen=True)
class SearchResult:
    """What a search has found.

    Args:
        best: key → value of the best trial.
        value: objective of it.
        number: of it.
        seconds: that the processes of all trials took.
        cpu_seconds: of all cores together.
        trials: that have come to an end or have failed.
        curve: shape (trials,), smallest objective after each of those that have come to an end; NaN before the first.
        expected: shape (trials,), objective that the best of so many of these trials has on average.
    """

    best: Mapping[str, Any]
    value: float
    number: int
    seconds: float
    cpu_seconds: float
    trials: tuple[Trial, ...]
    curve: FloatArray
    expected: FloatArray


class SearchStopped(Exception):  # noqa: N818 — nothing went wrong
    """A search was asked to end.

    Args:
        signal: that asked.
    """

    def __init__(self, signal: int) -> None:
        super().__init__("The search has ended before its end; the same command goes on.")
        self.signal = signal


def search(
    folder: Path, what: Search, resolve: Resolve, identity: str = "", say: Callable[[str], None] = print
) -> SearchResult:
    """Try settings until as many trainings as asked for have come to an end; the errors on the validation set choose.

    The same call goes on where it was killed, and several processes may share one search. Nobody looks at the test set.

    Args:
        folder: of the search.
        what: is searched, and how.
        resolve: makes the config of a trial.
        identity: of all that numbers depend on beside `what`; a folder in which it differs is refused.
        say: told of each trial that ends.

    Raises:
        SearchStopped: a signal asked to end; trainings have saved what they had.
        MissingPackageError: Optuna is not installed.
        PotbenchError: fit refuses a value, the folder holds another search, or trials fail again and again.
    """
    what.require()
    config = require_values(what, resolve)
    trials = Trials(SearchFolder(folder), what, identity)
    devices = devices_of(str(config["trainer"].get("accelerator")))
    workers = _Workers(trials, resolve, say, devices)
    with forwarded(workers.stop):
        workers.run()
    if workers.signal:
        raise SearchStopped(workers.signal)
    return result_of(trials)


def require_values(what: Search, resolve: Resolve) -> dict[str, Any]:
    """Return the config of some trial, once fit has read every key and all extreme values of the space.

    Raises:
        PotbenchError: fit refuses one of them; nothing is started.
    """
    extremes = {key: each.extremes() for key, each in what.parameters.items()}
    first = {key: what.parameters[key].value(labels[0]) for key, labels in extremes.items()}
    config = resolve(first)
    for key, labels in extremes.items():
        for label in labels[1:]:
            resolve({**first, key: what.parameters[key].value(label)})
    return config


def result_of(trials: Trials) -> SearchResult:
    """Return what a search has found so far.

    Raises:
        RunError: no trial was trained to its end.
    """
    every = tuple(trial for trial in trials.all() if trial.state in (*COUNTED, "failed"))
    counted = [trial for trial in every if trial.state in COUNTED]
    finished = [trial for trial in counted if trial.state == "finished" and trial.value is not None]
    if not finished:
        raise RunError(
            f"No trial in {trials.folder.path} was trained to its end: all {len(every)} were pruned, diverged or "
            "failed. Expected one at least. Change the space, and search in another folder."
        )
    best = min(finished, key=lambda trial: trial.value or 0.0)
    assert best.value is not None
    # of a training that was pruned its last error, which is not taken to outdo the best; none of one that diverged
    values = np.array([np.inf if trial.value is None else max(trial.value, best.value) for trial in counted])
    return SearchResult(
        best={key: each.value(best.chosen[key]) for key, each in trials.parameters.items()},
        value=best.value,
        number=best.number,
        seconds=sum(trial.seconds for trial in every),
        cpu_seconds=sum(trial.cpu_seconds for trial in every),
        trials=every,
        curve=best_so_far(values),
        expected=expected_best(values),
    )


class _Workers:
    """Threads that work on one trial after another until none is left; each has a GPU where there are some."""

    def __init__(self, trials: Trials, resolve: Resolve, say: Callable[[str], None], devices: Sequence[str]) -> None:
        self.trials = trials
        self.resolve = resolve
        self.say = say
        self.signal = 0
        at_once = trials.search.at_once
        self._devices: list[str | None] = [*devices[:at_once]] or [None] * at_once
        self._running: dict[int, TrialRun] = {}
        self._resolving = threading.Lock()  # parsers of configs share what they have imported
        self._is_broken = False

    def stop(self, number: int) -> None:
        """Hand a signal on to all trainings; called by the handler of a signal."""
        self.signal = self.signal or number
        for run in list(self._running.values()):
            run.send_signal(number)

    def run(self) -> None:
        """Work until nothing is left, a signal came, or something went wrong."""
        with ThreadPoolExecutor(len(self._devices), thread_name_prefix="trial") as pool:
            futures = [pool.submit(self._work, device) for device in self._devices]
            # the main thread handles signals, and is not to wait in the end of the pool
            while not all(future.done() for future in futures):
                time.sleep(0.1)
        for future in futures:
            future.result()

    def _work(self, device: str | None) -> None:
        while not self.signal and not self._is_broken:
            try:
                claimed = self.trials.claim()
                if claimed is None:
                    if not self.trials.num_left:
                        return
                    time.sleep(PAUSE)  # one of those that others work on may fail, or be interrupted
                    continue
                self._take(*claimed, device)
            except BaseException:
                self._is_broken = True  # the others end with their trials
                raise

    def _take(self, trial: Any, lock: Any, device: str | None) -> None:
        try:
            with self._resolving:
                config = self.resolve(self.trials.chosen(trial))
            run = self._running[trial.number] = TrialRun(self.trials, trial, lock, config, device)
            has_ended = not self.signal and run.run()
        except PotbenchError as error:
            self.trials.end(trial.number, "failed", None, str(error))
            has_ended = True
        finally:
            self._running.pop(trial.number, None)
            lock.release()
        if has_ended:
            self.say(self._line(trial.number))
        else:
            self.signal = self.signal or 15  # somebody else has asked the training to end

    def _line(self, number: int) -> str:
        trial = next(each for each in self.trials.all() if each.number == number)
        done, asked = self.trials.search.num_trials - self.trials.num_left, self.trials.search.num_trials
        chosen = ", ".join(f"{key}: {value}" for key, value in trial.chosen.items())
        value = "" if trial.value is None else f", {self.trials.search.column} {trial.value:.4g}"
        said = f" {trial.said}" if trial.state in ("failed", "diverged") else ""
        return f"{done} of {asked}: trial {number} {trial.state}{value} ({trial.seconds:.0f} s; {chosen}).{said}"
