"""A frame of a file, with what it carries by name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from potbench.structures import FloatArray, IntArray


class ReadFrame(NamedTuple):
    """A frame, as ASE reads it.

    Attributes:
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in the unit of the file.
        values: what it carries by name: columns, comment line, and results of ASE's calculator.
        in_comment: names of those that are in the comment line.
    """

    atomic_numbers: IntArray
    positions: FloatArray
    values: dict[str, Any]
    in_comment: frozenset[str]

    @classmethod
    def of_image(cls, image: Any) -> ReadFrame:
        """Return a frame of ASE's Atoms."""
        results = image.calc.results if image.calc else {}
        arrays = {name: array for name, array in image.arrays.items() if name not in {"numbers", "positions"}}
        return cls(image.numbers, image.positions, {**arrays, **image.info, **results}, frozenset(image.info))

    @property
    def formula(self) -> str:
        """Return the formula as ASE writes it."""
        return _formula(self.atomic_numbers.astype(np.int64).tobytes())

    def equals(self, other: ReadFrame) -> bool:
        """Return whether another frame is the same: every number, every name, their order and their types."""
        arrays = [(self.atomic_numbers, other.atomic_numbers), (self.positions, other.positions)]
        pairs = [*arrays, *zip(self.values.values(), other.values.values(), strict=False)]
        return (
            list(self.values) == list(other.values)
            and self.in_comment == other.in_comment
            and all(type(one) is type(another) and _equal(one, another) for one, another in pairs)
        )


def _equal(one: object, other: object) -> bool:
    if not isinstance(one, np.ndarray | np.generic):
        return one == other
    another = np.asarray(other)
    return one.dtype == another.dtype and np.array_equal(one, another, equal_nan=one.dtype.kind in "fc")


@lru_cache(maxsize=4096)
def _formula(atomic_numbers: bytes) -> str:
    from ase.symbols import Symbols

    formula: str = Symbols(np.frombuffer(atomic_numbers, dtype=np.int64)).get_chemical_formula()
    return formula
