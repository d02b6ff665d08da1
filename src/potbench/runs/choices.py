"""What the config of a run chose that its numbers depend on, in a form that two runs can be compared by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from potbench.errors import RecordError
from potbench.runs.folder import RunFolder
from potbench.runs.recipe import flat, read_config

# settings of training that change numbers; devices, logging and what is printed do not
TRAINER = (
    *(
        "precision",
        "max_epochs",
        "min_epochs",
        "max_steps",
        "max_time",
        "check_val_every_n_epoch",
        "val_check_interval",
    ),
    *("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm", "limit_train_batches"),
    *("limit_val_batches", "overfit_batches", "deterministic", "callbacks"),
)
DATA = ("batch_size", "weights", "reference_energies", "shuffle")
LATER = {
    **{"repulsion": False, "shuffle": True, "standardize": False, "smallest_spread": 0.1, "capture": None},
    **{"compile_steps": False, "schedule.momentum": [0.85, 0.95], "representation.max_l": 2},
    # of MACE
    **{"first_interaction": "RealAgnosticInteractionBlock", "interaction": "RealAgnosticResidualInteractionBlock"},
    **{"readout_features": 16, "radial_sizes": [64, 64, 64], "envelope_power": 5},
    **{"distance_transform": None, "pair_repulsion": False},
}
"""Settings that early configs lack → what they were then: so they distinguish nothing."""


@dataclass(frozen=True)
class Choices:
    """Settings of a run by dotted names, without seeds, places and devices.

    Args:
        potential: of the potential; the name of its class is under an empty name.
        recipe: of loss, optimizer and schedule.
        trainer: of how long and in which precision is trained, with the batch size.
        root: folder of prepared datasets, where the config names it.
    """

    potential: Mapping[str, object]
    recipe: Mapping[str, object]
    trainer: Mapping[str, object]
    root: str | None

    @classmethod
    def load(cls, run: RunFolder) -> Choices:
        """Read the config of a run.

        Raises:
            RecordError: it is damaged.
            OSError: it cannot be read.
        """
        try:
            found = flat(read_config(run.config))
        except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise RecordError(f"{run.config} is damaged: it is no config in YAML. Expected that of a run.") from error
        model = _below(found, "model")
        potential = _below(model, "potential")
        trainer = _below(found, "trainer")
        data = _below(found, "data")
        # the last of them is near the end of a config, so that one that was cut off lacks it
        needed = {
            "model.potential": potential,
            "trainer": trainer.keys() - {""},
            "data.batch_size": data.get("batch_size"),
        }
        if lacking := [name for name, part in needed.items() if not part]:
            raise RecordError(
                f"{run.config} is damaged: it has no {', '.join(lacking)}. Expected the whole config of a run, as fit "
                "writes it. Restore the file, or train again."
            )
        root = data.get("root")
        return cls(
            potential=_without_later(potential),
            recipe=_without_later({name: each for name, each in model.items() if name.split(".")[0] != "potential"}),
            trainer={name: value for name, value in trainer.items() if name.split(".")[0] in TRAINER}
            | _without_later({name: value for name, value in data.items() if name.split(".")[0] in DATA}),
            root=None if root is None else str(root),
        )

    @property
    def all(self) -> dict[str, object]:
        """Return everything that distinguishes two architectures or recipes."""
        return {f"potential.{name}".rstrip("."): value for name, value in self.potential.items()} | {
            **self.recipe,
            **self.trainer,
        }

    @property
    def identity(self) -> str:
        """Return a sha256, in hexadecimal, of all choices: the same for trainings that differ by seeds alone."""
        return hashlib.sha256(json.dumps(self.all, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Return what the potential is called by its classes: SchNet + FeedForward, SGDML."""
        members = self.potential.get("members")
        if isinstance(members, list):
            names = dict.fromkeys(_name_of(_below(flat(member, "member"), "member")) for member in members)
            return f"{len(members)} × {' / '.join(names)}"
        return _name_of(self.potential)

    @property
    def learning_rate(self) -> object:
        """Return the largest learning rate; None for what is solved."""
        return self.recipe.get("schedule.max_lr", self.recipe.get("optimizer.lr"))

    @property
    def loss_weights(self) -> str:
        """Return the weights of the loss, as text; empty for what is solved."""
        weights = {name: self.recipe.get(f"loss.{name}") for name in ("energy", "forces")}
        return ", ".join(f"{name} {value}" for name, value in weights.items() if value is not None)


def _without_later(settings: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name not in LATER or not _same(value, LATER[name])}


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _name_of(potential: Mapping[str, object]) -> str:
    parts = [potential.get(name) for name in ("representation", "readout")]
    return " + ".join(str(part) for part in parts if part) or str(potential.get("", "potential"))


def _below(settings: Mapping[str, object], place: str) -> dict[str, object]:
    """Return the settings below a name, by the rest of their names."""
    inside = {name[len(place) + 1 :]: value for name, value in settings.items() if name.startswith(f"{place}.")}
    return inside | ({"": settings[place]} if settings.get(place) is not None else {})
