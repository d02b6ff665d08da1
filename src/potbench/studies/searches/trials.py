"""The trials of a search, in a journal that survives kills and that several processes share."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock

from potbench.errors import MissingPackageError, RecordError, RunError
from potbench.studies.running.cell_lock import CellLock
from potbench.studies.searches.search import Search
from potbench.studies.searches.search_folder import SearchFolder
from potbench.studies.searches.space import Choice
from potbench.whole_file import write_text

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.trial import FrozenTrial

State = Literal["finished", "pruned", "diverged", "failed", "running", "interrupted"]
COUNTED = ("finished", "pruned", "diverged")
"""States of trials that have come to an end, and are not tried again."""
MOST_FAILURES = 3
"""In a row, after which no other trial is started."""
PERCENT = 100
"""Of a training, by which trials of different lengths are compared while they run."""


@dataclass(frozen=True)
class Trial:
    """A trial.

    Args:
        number: from 0, in the order in which trials began.
        state: how it ended.
        value: the objective of the best epoch; of one that was pruned the last; None where there is none.
        seconds: that its process took.
        cpu_seconds: of all cores together.
        chosen: key → what was chosen, as the search file names it.
        said: why it failed, diverged or was pruned.
    """

    number: int
    state: State
    value: float | None
    seconds: float
    cpu_seconds: float
    chosen: Mapping[str, Any]
    said: str = ""


class Trials:
    """All trials of a search; safe for several threads and processes at once.

    Args:
        folder: of the search.
        search: what is asked for.
        identity: of all that numbers depend on beside the search itself, such as the config.

    Raises:
        MissingPackageError: Optuna is not installed.
        RunError: the folder holds another search.
        RecordError: it is damaged.
    """

    def __init__(self, folder: SearchFolder, search: Search, identity: str = "") -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingPackageError("optuna", "A search for hyperparameters needs", "tune") from error
        self.folder = folder
        self.search = search
        self.parameters = search.parameters
        self._failed_in_a_row = 0  # in this process: what was to blame earlier may have been mended
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder.path.mkdir(parents=True, exist_ok=True)
        with self.alone():
            self._require_same(identity)
            self._complete_last_line()
            self._study = self._open()
            if search.sampler == "grid" and not self._study.trials:
                self._queue_grid()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other threads and processes from changing what there is to do; the lock ends with its process."""
        with FileLock(self.folder.lock, thread_local=False):
            yield

    def claim(self) -> tuple[FrozenTrial, CellLock] | None:
        """Return a trial to work on, and the right to do so: one that was interrupted, or else a new one.

        None where nothing is left to begin, though others may still run.

        Raises:
            RunError: several in a row have failed.
        """
        with self.alone():
            running = 0
            for trial in self._study.trials:
                if trial.state.name != "RUNNING":
                    continue
                lock = CellLock(self.folder.claim(trial.number))
                if not lock.claim():
                    running += 1
                elif trial.params.keys() == self.parameters.keys():
                    return trial, lock
                else:  # killed while its values were drawn
                    lock.release()
                    self._end(trial.number, "failed", None, "it was broken off before it began", again=True)
            ended = [trial for trial in self.all() if trial.state in (*COUNTED, "failed")]
            if sum(trial.state in COUNTED for trial in ended) + running >= self.search.num_trials:
                return None
            if self._failed_in_a_row >= MOST_FAILURES:
                last = next(trial for trial in reversed(ended) if trial.state == "failed")
                raise RunError(
                    f"{MOST_FAILURES} trials in a row have failed; the last: {last.said} Expected trainings that "
                    f"come to an end. Look into {self.folder.log(last.number)}. Where config or space are to blame, "
                    "change them and search in another folder; else the same command tries again."
                )
            return self._new()

    @property
    def num_left(self) -> int:
        """Return how many trials have to come to an end yet."""
        return max(0, self.search.num_trials - sum(trial.state in COUNTED for trial in self.all()))

    def chosen(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return key → value for the config."""
        return {key: each.value(trial.params[key]) for key, each in self.parameters.items()}

    def report(self, trial: FrozenTrial, value: float, percent: int) -> bool:
        """Write down how a trial is; return whether it is to be stopped.

        Args:
            trial: runs.
            value: of the objective.
            percent: of its training that is done.
        """
        from optuna.trial import Trial as Reporter

        reporter = Reporter(self._study, trial._trial_id)
        reporter.report(value, percent)
        return reporter.should_prune()

    def end(self, number: int, state: State, value: float | None, said: str = "") -> None:
        """Write down how a trial has ended; one that failed is replaced."""
        with self.alone():
            self._end(number, state, value, said, again=state == "failed")
            self._failed_in_a_row = self._failed_in_a_row + 1 if state == "failed" else 0

    def add_cost(self, trial: FrozenTrial, seconds: float, cpu_seconds: float) -> None:
        """Write down what a part of a trial took."""
        earlier = self._study.trials[trial.number].user_attrs.get("cost", [0.0, 0.0])
        cost = [earlier[0] + seconds, earlier[1] + cpu_seconds]
        self._study._storage.set_trial_user_attr(trial._trial_id, "cost", cost)

    def all(self) -> list[Trial]:
        """Return all trials that have begun, in their order."""
        found = (_trial_of(trial, self) for trial in self._study.trials)
        return [trial for trial in found if trial is not None]

    def _end(self, number: int, state: State, value: float | None, said: str, again: bool) -> None:
        from optuna.trial import TrialState

        trial = self._study.trials[number]
        storage = self._study._storage
        storage.set_trial_user_attr(trial._trial_id, "ended", [state, value, said])
        ended = {"finished": TrialState.COMPLETE, "failed": TrialState.FAIL}.get(state, TrialState.PRUNED)
        self._study.tell(number, value if state == "finished" else None, state=ended)
        if again and self.search.sampler == "grid":
            self._study.enqueue_trial(trial.system_attrs.get("fixed_params", trial.params))

    def _new(self) -> tuple[FrozenTrial, CellLock]:
        # drawn from seed and number alone: a search that was killed goes on as if it had not been
        self._study.sampler = self._sampler(len(self._study.trials))
        distributions = {key: each.distribution() for key, each in self.parameters.items()}
        number = self._study.ask(distributions).number
        lock = CellLock(self.folder.claim(number))
        assert lock.claim()
        return self._study.trials[number], lock

    def _sampler(self, number: int) -> Any:
        from optuna import samplers

        seed = int(np.random.SeedSequence([self.search.seed, number]).generate_state(1)[0])
        if self.search.sampler != "tpe":
            return samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Optuna calls experimental
            return samplers.TPESampler(seed=seed, constant_liar=self.search.at_once > 1)

    def _pruner(self) -> BasePruner:
        from optuna import pruners

        return {
            "none": pruners.NopPruner(),
            "median": pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=PERCENT // 5),
            "halving": pruners.SuccessiveHalvingPruner(min_resource=PERCENT // 10, reduction_factor=3),
        }[self.search.pruning]

    def _open(self) -> Study:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lock = _JournalLock(self.folder)
            storage = JournalStorage(JournalFileBackend(str(self.folder.journal), lock))  # type: ignore[arg-type]
            return optuna.create_study(storage=storage, study_name="search", pruner=self._pruner(), load_if_exists=True)

    def _queue_grid(self) -> None:
        choices = {key: list(each.values) for key, each in self.parameters.items() if isinstance(each, Choice)}
        every = [dict(zip(choices, combination, strict=True)) for combination in product(*choices.values())]
        order = np.random.default_rng(self.search.seed).permutation(len(every))
        for number in order[: self.search.num_trials]:
            self._study.enqueue_trial(every[number])

    def _require_same(self, identity: str) -> None:
        """Refuse a folder in which other things were searched; how many trials, and how many at once, may change."""
        asked = self.search
        now = {"space": asked.space, "objective": asked.column, "seed": asked.seed, "sampler": asked.sampler}
        now |= {"pruning": asked.pruning, "identity": identity}
        if asked.sampler == "grid":
            now["trials"] = asked.num_trials
        if not self.folder.search.is_file():
            write_text(self.folder.search, json.dumps(now, indent=2) + "\n")
            return
        try:
            then = dict(json.loads(self.folder.search.read_bytes()))
        except (ValueError, TypeError) as error:
            raise RecordError(
                f"{self.folder.search} is damaged ({error}). Expected what the search wrote when it began. Delete it "
                "if nothing of the search has changed since: it is written anew, and the trials stay."
            ) from error
        changed = [("config" if name == "identity" else name) for name in now if now[name] != then.get(name)]
        if changed:
            raise RunError(
                f"{self.folder.path} holds a search with another {' and '.join(changed)}. Expected the same: its "
                "trials would be compared with others. Restore it, or choose another folder or name."
            )

    def _complete_last_line(self) -> None:
        """Remove what a process that was killed has left of a line."""
        if self.folder.journal.is_file():
            content = self.folder.journal.read_bytes()
            whole = content.rpartition(b"\n")[0]
            if content and not content.endswith(b"\n"):
                write_text(self.folder.journal, (whole + b"\n" * bool(whole)).decode())


class _JournalLock:
    """A lock of the journal that ends with the process that holds it; those of Optuna outlive it."""

    def __init__(self, folder: SearchFolder) -> None:
        self._lock = FileLock(f"{folder.journal}.lock")  # each thread has its own

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self._lock.release()


def _trial_of(trial: FrozenTrial, trials: Trials) -> Trial | None:
    if trial.state.name == "WAITING" or trial.params.keys() != trials.parameters.keys():
        return None
    state, value, said = trial.user_attrs.get("ended", ["running", None, ""])
    if state == "running":
        from potbench.studies.running.cell_lock import is_held

        value = trial.intermediate_values.get(max(trial.intermediate_values, default=-1))
        state = "running" if is_held(trials.folder.claim(trial.number)) else "interrupted"
    seconds, cpu_seconds = trial.user_attrs.get("cost", (0.0, 0.0))
    finite = value if value is not None and math.isfinite(value) else None
    return Trial(trial.number, state, finite, seconds, cpu_seconds, dict(trial.params), said)
