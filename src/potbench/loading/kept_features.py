"""Features that were computed once, and the atoms they belong to."""

from __future__ import annotations

from typing import NamedTuple

from potbench.structures import FloatArray, IntArray


class KeptFeatures(NamedTuple):
    """Features of atoms of a store, to be gathered with them.

    Attributes:
        features: shape (rows, features).
        jacobians: shape (rows, features, places, 3), in Å⁻¹, see `Batch`; None where forces are not trained.
        row: shape (atoms of the store,), which row is of which atom, −1 for none; None where the rows are the atoms.
    """

    features: FloatArray
    jacobians: FloatArray | None = None
    row: IntArray | None = None

    def of(self, atoms: IntArray) -> tuple[FloatArray, FloatArray | None]:
        """Features and their derivatives, of atoms that have them; atoms of shape (atoms,), rows of the store."""
        rows = atoms if self.row is None else self.row[atoms]
        return self.features[rows], None if self.jacobians is None else self.jacobians[rows]
