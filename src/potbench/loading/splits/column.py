"""Frames divided by what a column of the file says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative, require_positive
from potbench.loading.splits.sizes import part_of
from potbench.loading.splits.split import Split, SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import Column, IntArray

NAME = re.compile(r"\w([\w .-]*[\w.-])?")
"""Of test sets: figures are in folders of these names."""


class ColumnSplit(Split):
    """Frames divided by a column of the file, such as `config_type`; test sets have names, and errors of their own.

    Frames with other values are in no set.

    Args:
        column: its name, which the dataset must read: see the columns of ExtendedXYZ and ASEDatabase.
        train: value of the training frames, or several.
        test: name of each test set → value of its frames, or several.
        validation: fraction of the training frames to draw for validation, or how many (a whole number); or the value
            of the validation frames as text, or several values.
        seed: seed of that draw.
    """

    def __init__(
        self,
        column: str,
        train: str | float | list[str | float],
        test: dict[str, str | float | list[str | float]],
        validation: float | str | list[str | float] = 0.1,
        seed: int = 0,
    ) -> None:
        if isinstance(validation, int | float):
            require_positive(self, validation=validation)
        require_not_negative(self, seed=seed)
        wrong = [name for name in test if not NAME.fullmatch(name)]
        if wrong or not test:
            problem = f"The name of a test set is {wrong[0]!r}" if wrong else "There is no test set"
            raise SettingError(self, "test", test, "names of letters, digits, spaces, dots and dashes", problem)
        self.column = column
        self.train = train
        self.test = test
        self.validation = validation
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        column = column_of(self, store, self.column)
        sets = {"train": self._find("train", self.train, column)}
        if not isinstance(self.validation, int | float):
            sets["validation"] = self._find("validation", self.validation, column)
        named = {name: self._find("test", values, column, name) for name, values in self.test.items()}
        self._require_apart({**sets, **{f"test {name}": frames for name, frames in named.items()}})
        if isinstance(self.validation, int | float):
            sets |= self._drawn(sets["train"])
        return SplitIndices(**sets, test=np.sort(np.concatenate(list(named.values()))), test_sets=named)

    def _find(self, setting: str, wanted: object, column: Column, name: str = "") -> IntArray:
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        chosen = np.zeros(len(column), dtype=bool)
        for value in values:
            found = column == (str(value) if column.dtype.kind == "U" else _number(value))
            if not found.any():
                known = [_written(one) for one in np.unique(column).tolist()]
                expected = f"{', '.join(known[:10])}{', …' if len(known) > 10 else ''}"
                raise SettingError(
                    self,
                    setting,
                    wanted,
                    f"one of its values, or several: {expected}",
                    f"No frame has {value!r} in the column {self.column}{f', for {name}' if name else ''}",
                )
            chosen |= found
        return np.flatnonzero(chosen).astype(index_dtype(len(column)))

    def _require_apart(self, sets: Mapping[str, IntArray]) -> None:
        seen: dict[str, IntArray] = {}
        for name, frames in sets.items():
            for other, others in seen.items():
                shared = len(np.intersect1d(frames, others))
                if shared:
                    problem = f"{shared:,} frames are in {other} and in {name}"
                    raise SettingError(self, name.split()[0], None, "each frame in one set", problem)
            seen[name] = frames

    def _drawn(self, train: IntArray) -> dict[str, IntArray]:
        count = part_of(self, "validation", len(train), "training frames")
        order = np.random.default_rng(self.seed).permutation(train)
        return {"train": np.sort(order[count:]), "validation": np.sort(order[:count])}


def column_of(owner: object, store: Store, name: str) -> Column:
    """Return a column of a store.

    Args:
        owner: has the setting `column`.
        store: the dataset.
        name: of the column.

    Raises:
        SettingError: the dataset was read without it.
    """
    values = store.columns.get(name)
    if values is None:
        expected = f"one of the columns that the dataset was told to read: {', '.join(store.columns) or 'none'}"
        problem = f"{store.manifest.name} was read without a column {name}"
        raise SettingError(owner, "column", name, expected, problem)
    return values


def _written(value: float | str) -> str:
    """Return a value as it has to be given, a number to its last digit."""
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return np.nan
