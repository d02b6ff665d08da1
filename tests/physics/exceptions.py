"""Which laws and promises an architecture is known to break, and why."""

from __future__ import annotations

import pytest

UNLIMITED = "An atom attends to all others of its molecule, however far away."
NO_CUTOFF = (
    "Every atom interacts with all others of its molecule, through a filter that does not end with the distance."
)
NO_GEOMETRY = "Its energy depends on how many atoms of each element there are, and not on where they are."
SOLVED = "Its weights start, all zero, where least squares have put them."
RAW_COORDINATES = "It reads raw coordinates, and so depends on position and orientation."
KERNEL = "It has no weights that a gradient could change: it is solved, see tests/training/test_closed_form.py."
ONE_MOLECULE = "It knows one molecule, its atoms in the order of the training frames, and refuses all others."
SEEN_PERMUTATIONS = "Equal atoms are exchanged where the training frames show it; of CH3OH, OH keeps its hydrogen."

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("ani_attention_unlimited", "far apart"): UNLIMITED,
    ("composition", "every molecule with bonds has forces"): NO_GEOMETRY,
    ("composition", "different weights give different energies"): SOLVED,
    ("composition", "loss falls"): SOLVED,
    ("continuous_filter_study", "far apart"): NO_CUTOFF,
    ("coordinates", "shift"): RAW_COORDINATES,
    ("coordinates", "rotation"): RAW_COORDINATES,
    ("coordinates", "reflection"): RAW_COORDINATES,
    ("coordinates", "net force"): RAW_COORDINATES,
    ("coordinates", "net torque"): RAW_COORDINATES,
    ("coordinates", "single atom"): RAW_COORDINATES,
    ("coordinates", "far apart"): RAW_COORDINATES,
    ("sgdml", "order of equal atoms"): SEEN_PERMUTATIONS,
    ("sgdml", "order of atoms"): ONE_MOLECULE,
    ("sgdml", "single atom"): ONE_MOLECULE,
    ("sgdml", "far apart"): ONE_MOLECULE,
    ("sgdml", "loss falls"): KERNEL,
    ("sgdml", "same seed gives same numbers"): KERNEL,
}
"""(file in configs/potential without .yaml, name of a law in potbench.laws.LAWS or of a test in words) → reason."""


def entry(test: pytest.Function) -> tuple[str, str]:
    """Return where a test of a config would stand in the table of exceptions."""
    arguments = test.callspec.params
    name = test.originalname.removeprefix("test_").replace("_", " ")
    return arguments["config"].stem, arguments["law"].name if "law" in arguments else name
