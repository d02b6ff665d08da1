"""What is said of predictions: where they are, how good, and which of them not to trust."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from potbench.inference.labels import EARLIER, LABEL
from potbench.inference.predict import Predicted
from potbench.units import reported

FEW = 5


def print_predicted(predicted: Predicted, output: Path, unit: str, compared: bool) -> None:
    """Print where predictions are and their errors; warn of structures unlike the training set.

    Args:
        predicted: what came of the structures.
        output: the file that was written.
        unit: of the energies.
        compared: whether the structures were compared with the training set.
    """
    count = predicted.num_structures
    read = "converted from the units that the file states to" if predicted.converted else "read in"
    print(f"{count} structures: energies in {unit} and forces in {unit}/Å are in {output}")
    found, (shown, factor) = predicted.errors, reported(unit)
    if found.num_energies:
        print(
            f"Mean absolute error of energies: {found.energy / factor:.4g} {shown}, in {found.num_energies} of {count} "
            f"structures that have them, {read} {unit}"
        )
    if found.num_forces:
        print(
            f"Mean absolute error of forces: {found.forces / factor:.4g} {shown}/Å, in {found.num_forces} of {count} "
            f"structures that have them, {read} {unit}/Å"
        )
    if found.num_earlier:
        _warn(
            f"{found.num_earlier} of {count} structures have energies or forces beside columns of the names "
            f"{LABEL}energy or {LABEL}forces. Errors are against these columns; the others are in the columns "
            f"{EARLIER}energy and {EARLIER}forces."
        )
    warn_of_left_out(predicted.left_out, output)
    if not compared:
        _warn("The run does not say what it was trained on, so these structures were not compared with it.")
    if predicted.new_compositions:
        _warn(
            f"{len(predicted.new_compositions)} of {count} structures have compositions that were not trained on: "
            f"{_few(predicted.new_compositions)}. See the column new_composition."
        )
    if predicted.outside:
        _warn(
            f"{len(predicted.outside)} of {count} structures have atoms in environments outside of the training set: "
            f"{_few(predicted.outside)}. See the column extrapolation, above 1 for such atoms."
        )


def warn_of_left_out(columns: Sequence[str], output: Path) -> None:
    """Warn of columns that a file of predictions does not have."""
    if columns:
        _warn(
            f"{output} lacks the columns {', '.join(columns)}, which have other shapes in some structures than in "
            "others, or are neither numbers nor texts. An output that ends in .xyz has them."
        )


def _few(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - FEW:,} more" if len(numbers) > FEW else ""
    return f"structure{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:FEW]))}{more}"


def _warn(text: str) -> None:
    print(f"Warning: {text}", file=sys.stderr)
