"""Predictions as a test wrote them into a file: arrays that fit each other, or an error that says which do not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from potbench.errors import RecordError
from potbench.readers.npz import read_arrays
from potbench.runs.predictions import OF_ATOMS, OF_COMPONENTS, OF_FRAMES, force_errors
from potbench.structures import SYMBOLS, Column

ROUNDING = 1e-4
"""Relative difference of one error, summed in another order."""
KINDS = {
    **dict.fromkeys((*OF_FRAMES, *OF_ATOMS, *OF_COMPONENTS, "spread_factors"), "f"),
    **dict.fromkeys(("frame", "num_atoms", "molecule", "time", "test_set", "atomic_numbers", "num_members"), "iu"),
    **dict.fromkeys(("molecules", "test_sets"), "U"),
}
"""Name of an array → the kinds that NumPy has for its values."""
WORDS = {"f": "numbers", "iu": "whole numbers", "U": "names"}
BELONG_TOGETHER = (
    ("energy_error", "num_atoms", "molecule", "molecules"),
    ("forces", "predicted_forces"),
    ("force_absolute_error", "force_squared_error"),
    ("test_set", "test_sets"),
    ("atomic_energies", "atomic_numbers"),
    ("num_members", "spread_factors"),
)
"""Arrays of which all are there or none: early predictions lack whole groups."""


def read_predictions(file: Path) -> dict[str, Column]:
    """Read what a test predicted, in the order in which it was written.

    Args:
        file: as a test writes it.

    Returns:
        The arrays that `annotate` describes; those of early versions lack the errors of each frame.

    Raises:
        RecordError: the file is damaged: arrays are missing or do not fit each other.
        OSError: it cannot be opened.
    """
    try:
        found = read_arrays(file)
        _require_arrays(found)
        _require_ranges(found)
        if "energy_error" in found:
            _require_errors(found)
    except ValueError as error:
        raise RecordError(
            f"{file} is damaged ({error}). Expected the predictions of a test. Test the run again, which writes them "
            "anew."
        ) from error
    return found


def _require_arrays(found: Mapping[str, Column]) -> None:
    """Raise ValueError unless all arrays are there, rows of their kinds, as long as the others ask for."""
    needed = ["frame", "energy", "predicted_energy", "offset"]
    needed += [name for group in BELONG_TOGETHER if found.keys() & group for name in group]
    for name in needed:
        if name not in found:
            raise ValueError(f"it has no {name}")
    for name, kind in KINDS.items():
        if name in found and (found[name].ndim != 1 or found[name].dtype.kind not in kind):
            raise ValueError(f"{name} is {found[name].dtype} of shape {found[name].shape}, and no row of {WORDS[kind]}")
    if not len(found["frame"]):
        raise ValueError("it has no frames")
    lengths = dict.fromkeys(OF_FRAMES, len(found["frame"])) | {"num_members": 1, "spread_factors": 2}
    for name in (each for each in lengths if each in found):
        _require_length(found, name, lengths[name])
    if "num_atoms" in found:
        num_atoms = int(found["num_atoms"].sum())
        for name in (each for each in (*OF_ATOMS, *OF_COMPONENTS) if each in found):
            _require_length(found, name, num_atoms if name in OF_ATOMS else 3 * num_atoms)


def _require_length(found: Mapping[str, Column], name: str, length: int) -> None:
    if len(found[name]) != length:
        raise ValueError(f"{name} has {len(found[name]):,} values and not {length:,}")


def _require_ranges(found: Mapping[str, Column]) -> None:
    """Raise ValueError unless whole numbers count something, or point at something."""
    limits = {
        "frame": (0, None),
        "num_atoms": (1, None),
        "molecule": (0, len(found.get("molecules", ()))),
        "test_set": (-1, len(found.get("test_sets", ()))),
        "atomic_numbers": (1, len(SYMBOLS)),
        "num_members": (1, None),
    }
    for name, (first, end) in limits.items():
        values = found.get(name, np.empty(0))
        outside = values[(values < first) | (values >= (np.inf if end is None else end))]
        if len(outside):
            expected = f"{first} or more" if end is None else f"{first} to {end - 1}"
            raise ValueError(f"{name} is {outside[0]} somewhere, expected {expected}")


def _require_errors(found: Mapping[str, Column]) -> None:
    """Raise ValueError unless the errors of the frames are those of what was predicted."""
    with np.errstate(over="ignore", invalid="ignore"):  # predictions need not be finite
        expected = {"energy_error": found["predicted_energy"] - found["energy"]}
        if "forces" in found:
            absolute, squared = force_errors(found)
            expected |= {"force_absolute_error": absolute, "force_squared_error": squared}
    for name in ("energy_error", "force_absolute_error", "force_squared_error"):
        if (name in found) != (name in expected):
            raise ValueError(f"it has no {name if name in expected else 'forces'}")
        if name in found and not np.allclose(
            found[name], expected[name], rtol=ROUNDING, atol=ROUNDING**2, equal_nan=True
        ):
            raise ValueError(f"{name} is not that of its predictions")
