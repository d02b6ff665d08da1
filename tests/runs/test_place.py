"""A training that was broken off anywhere, and resumed, ends as the unbroken one does, bit for bit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from tests.runs.broken_off import BreakOff, BrokenOffError, fit, state
from tests.runs.differences import differences

pytestmark = pytest.mark.filterwarnings("ignore")

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "every step": {"every_steps": 1},
    "two steps": {"every_steps": 2},
    "epochs": {"task": "epochs", "every_steps": 1},
    "plateau": {"task": "plateau", "every_steps": 1},
    "validations within epochs": {"val_check_interval": 2, "every_steps": 1},
    "validation at every step": {"val_check_interval": 1, "every_steps": 1},
    "rare validations": {"check_val_every_n_epoch": 2, "every_steps": 1, "task": "plateau", "epochs": 4},
    "a plateau within a warm-up": {"check_val_every_n_epoch": 2, "every_steps": 1, "task": "warm plateau", "epochs": 4},
    "epochs within a warm-up": {"every_steps": 1, "task": "warm epochs"},
    "energies later": {"every_steps": 1, "task": "energies later", "forces": True},
    "overfitted batches": {"every_steps": 1, "overfit_batches": 2},
    "accumulated gradients": {"accumulate_grad_batches": 2, "every_steps": 1},
    "max_steps": {"max_steps": 8, "epochs": -1, "every_steps": 1},
    "max_steps at the end of an epoch": {"max_steps": 6, "epochs": -1, "every_steps": 1},
    "max_steps without": {"max_steps": 8, "epochs": -1},
    "limited batches": {"limit_train_batches": 2, "every_steps": 1},
    "workers": {"workers": 2, "every_steps": 2},
    "workers without": {"workers": 2},
    "no validation": {"limit_val_batches": 0, "every_steps": 1},
}
PLACES = [
    ("on_train_batch_start", 5),
    ("on_validation_batch_end", 2),
    ("on_train_epoch_end", 2),
    ("on_save_checkpoint", 3),
]
MORE_PLACES = [
    *(("on_train_batch_start", count) for count in (1, 2, 3, 8)),
    *(("on_train_batch_end", count) for count in (1, 3, 6)),
    *(("on_validation_batch_end", count) for count in (1, 3)),
    *(("on_train_epoch_end", count) for count in (1, 3)),
    *(("on_save_checkpoint", count) for count in (1, 2, 4)),
    ("on_train_end", 1),
]
# one place of each is enough for each commit, all four of any four settings; workers take their time to start
CASES = [
    pytest.param(name, *place, marks=[] if place == PLACES[number % 4] and name != "workers" else [pytest.mark.slow])
    for number, name in enumerate(SETTINGS)
    for place in PLACES + MORE_PLACES
]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What unbroken trainings leave, each trained once."""
    found: dict[str, dict[str, Any]] = {}

    def of(name: str) -> dict[str, Any]:
        if name not in found:
            folder = tmp_path_factory.mktemp("unbroken")
            fit(folder, **SETTINGS[name])
            found[name] = state(folder)
        return found[name]

    return of


@pytest.mark.parametrize(("name", "hook", "count"), CASES)
def test_a_training_that_is_resumed_equals_the_unbroken_one(tmp_path, unbroken, name, hook, count):
    with suppress(BrokenOffError):
        fit(tmp_path, BreakOff(hook, count), **SETTINGS[name])
    fit(tmp_path, resume=True, **SETTINGS[name])
    assert differences(state(tmp_path), unbroken(name)) == []
