"""Columns of elements in extended XYZ, of which ASE takes the whole numbers alone."""

from __future__ import annotations

from collections.abc import Sequence

from potbench.structures import SYMBOLS

NUMBERS = ("Z", "numbers")
NAMES = ("species", "symbols")


def require_elements(properties: Sequence[str], atoms: Sequence[str]) -> None:
    """Refuse atomic numbers that are not whole, or other ones than those of the symbols beside them.

    Args:
        properties: name, kind and number of columns of each property, one after another.
        atoms: lines of the atoms.

    Raises:
        ValueError: there is such a number.
    """
    column_of, end = {}, 0
    for name, width in zip(properties[::3], map(int, properties[2::3]), strict=False):
        column_of[name] = end
        end += width
    of_numbers = next((column_of[name] for name in NUMBERS if name in column_of), None)
    of_names = next((column_of[name] for name in NAMES if name in column_of), None)
    if of_numbers is None:
        return
    for atom in atoms:
        columns = atom.split()
        written = columns[of_numbers]
        number = float(written)
        if not number.is_integer():
            raise ValueError(f"the atomic number {written} is no whole number")
        symbol = None if of_names is None else columns[of_names]
        # other names, such as those of atoms in a force field, are no symbols
        if symbol in SYMBOLS and SYMBOLS.index(symbol) != number:
            raise ValueError(f"atom {symbol} has the atomic number {written}, which is not that of {symbol}")
