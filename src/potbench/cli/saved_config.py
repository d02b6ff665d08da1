"""The config of a run, compared with what a command is given beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

EVALUATED = {
    "test": ("model", "data.init_args.reference_energies", "trainer.precision", "trainer.limit_test_batches"),
    "validate": (
        *("model", "data.init_args.reference_energies", "trainer.precision"),
        *("trainer.limit_val_batches", "trainer.overfit_batches"),
    ),
}
"""Settings that change the numbers of an evaluation; data and split are compared by their fingerprints."""
CONTINUED = (
    *(f"model.init_args.{key}" for key in ("potential", "loss", "optimizer", "schedule")),
    *(f"model.init_args.{key}" for key in ("schedule_interval", "warmup_steps")),
    *("model.class_path", "seed_everything"),
    *(f"data.init_args.{key}" for key in ("seed", "shuffle", "weights", "reference_energies")),
    *(f"trainer.{key}" for key in ("precision", "accumulate_grad_batches")),
    *(f"trainer.{key}" for key in ("gradient_clip_val", "gradient_clip_algorithm")),
)
"""Settings that the state of a training belongs to; data and split are compared by their fingerprints."""
FINISHED = (*CONTINUED, "data.init_args.dataset", "data.init_args.split", "data.init_args.batch_size")
"""Settings of the training that a finished run is the result of."""


def differences(parser: ArgumentParser, saved: Path, given: str, settings: tuple[str, ...]) -> str:
    """Return which settings differ from those of a run, each with its value; empty for none.

    Args:
        parser: of the command; it gives settings that the run did not know yet their defaults.
        saved: config of the run.
        given: the config of the command, as YAML.
        settings: those that are compared, with what is in them.
    """
    chosen, now = tuple(f"{setting}." for setting in settings), yaml.safe_load(given)

    def found(then: object) -> list[str]:
        differ = ((key, value) for key, value in _differences(then, now) if f"{key}.".startswith(chosen))
        return [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in differ]

    if not found(yaml.safe_load(saved.read_text(encoding="utf-8"))):  # as is usual, and parsing takes longer
        return ""
    return ", ".join(found(yaml.safe_load(parser.dump(parser.parse_path(str(saved)), skip_unset=False, format="yaml"))))


def _differences(then: object, now: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the innermost settings that differ, each with its value now."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*then, *now]):
            yield from _differences(then.get(name), now.get(name), f"{key}.{name}".lstrip("."))
    elif then != now:
        yield key, now
