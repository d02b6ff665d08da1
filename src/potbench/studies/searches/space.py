"""What a search may choose: values for keys of a config."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from potbench.errors import PotbenchError, did_you_mean

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

KINDS = {"float": ("low", "high", "log"), "int": ("low", "high", "step", "log"), "choice": ()}
FORMS = "{float: {low: 1.0e-4, high: 1.0e-2, log: true}}, {int: {low: 1, high: 6, step: 1}} or {choice: [a, b]}"


class SpaceError(PotbenchError, ValueError):
    """A space cannot be searched."""


@dataclass(frozen=True)
class Numbers:
    """Numbers from one to another, both included.

    Args:
        low: the smallest.
        high: the largest.
        log: whether each factor is as likely as any other, and not each difference.
        step: distance of two whole numbers; None where all numbers are meant.
    """

    low: float
    high: float
    log: bool = False
    step: int | None = None

    def distribution(self) -> BaseDistribution:
        """Return the same for Optuna."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.step is None:
            return FloatDistribution(self.low, self.high, log=self.log)
        return IntDistribution(int(self.low), int(self.high), log=self.log, step=self.step)

    def extremes(self) -> list[Any]:
        """Return values that a config must take if it takes all."""
        return [self.low, self.high] if self.step is None else [int(self.low), int(self.high)]

    def value(self, label: Any) -> Any:
        """Return what a config is given for what was chosen."""
        return label


@dataclass(frozen=True)
class Choice:
    """Some values.

    Args:
        values: label, which is what the file says → value for the config.
    """

    values: Mapping[str, Any]

    def distribution(self) -> BaseDistribution:
        """Return the same for Optuna."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(list(self.values))

    def extremes(self) -> list[Any]:
        """Return values that a config must take if it takes all."""
        return list(self.values)

    def value(self, label: Any) -> Any:
        """Return what a config is given for what was chosen."""
        return self.values[label]


Parameter = Numbers | Choice


def read_space(plain: Mapping[str, object]) -> dict[str, Parameter]:
    """Return what may be chosen, by the keys of the config.

    Args:
        plain: key → float, int or choice, as YAML holds it.

    Raises:
        SpaceError: nothing is searched, or a range is wrong.
    """
    if not plain:
        raise SpaceError(f"space is empty. Expected keys of a config, each with {FORMS}.")
    return {key: _parameter(key, value) for key, value in plain.items()}


def short_names(keys: Sequence[str]) -> list[str]:
    """Return the last parts of keys, where these tell them apart; else whole keys."""
    ends = [key.rpartition(".")[2] for key in keys]
    return [end if ends.count(end) == 1 else key for end, key in zip(ends, keys, strict=True)]


def _parameter(key: str, plain: object) -> Parameter:
    if not isinstance(plain, Mapping) or len(plain) != 1:
        raise SpaceError(f"space.{key} is {plain!r}, expected {FORMS}.")
    ((kind, given),) = plain.items()
    if kind not in KINDS:
        raise SpaceError(
            f"There is no kind of range {kind!r} of space.{key}.{did_you_mean(str(kind), KINDS)} Expected {FORMS}."
        )
    return _choice(key, given) if kind == "choice" else _numbers(key, kind, given)


def _choice(key: str, given: object) -> Choice:
    if not isinstance(given, list) or len(given) < 2:
        raise SpaceError(f"space.{key}.choice is {given!r}, expected a list of at least two values.")
    labels = [value if isinstance(value, str) else json.dumps(value) for value in given]
    if len(set(labels)) < len(labels):
        raise SpaceError(f"space.{key}.choice is {given!r}, expected each value once.")
    return Choice(dict(zip(labels, given, strict=True)))


def _numbers(key: str, kind: str, given: object) -> Numbers:
    place = f"space.{key}.{kind}"
    if not isinstance(given, Mapping):
        raise SpaceError(f"{place} is {given!r}, expected {FORMS}.")
    for name in given:
        if name not in KINDS[kind]:
            near = did_you_mean(str(name), KINDS[kind])
            raise SpaceError(f"There is no {place}.{name}.{near} Expected {', '.join(KINDS[kind])}.")
    for name in ("low", "high"):
        if name not in given:
            raise SpaceError(f"{place}.{name} is missing. Expected a number.")
    number, expected = ((int, float), "a number") if kind == "float" else ((int,), "a whole number")
    for name in ("low", "high", "step"):
        value = given.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, number) or abs(value) == float("inf"):
            raise SpaceError(f"{place}.{name} is {value!r}, expected {expected}.")
    low, high, log, step = given["low"], given["high"], given.get("log", False), given.get("step", 1)
    if not isinstance(log, bool):
        raise SpaceError(f"{place}.log is {log!r}, expected true or false.")
    if not low < high:
        raise SpaceError(f"{place} is from {low} to {high}, expected low to be less than high.")
    if log and not low > 0:
        raise SpaceError(f"{place}.low is {low}, expected more than 0 where log is true.")
    if step < 1 or (high - low) % step * (kind == "int"):
        raise SpaceError(f"{place}.step is {step}, expected at least 1, and from low to high a number of whole steps.")
    if log and step != 1:
        raise SpaceError(f"{place}.step is {step}, expected 1 where log is true.")
    return Numbers(low, high, log, step if kind == "int" else None)
