"""Columns of atoms in extended XYZ, of many frames at once: a symbol, then plain numbers."""

from __future__ import annotations

import warnings

import numpy as np

from potbench.structures import SYMBOLS, FloatArray, IntArray

SPACE, END = ord(" "), ord("\n")
LONGEST_LINE = 2**20


def _of_numbers() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    known = np.zeros(256, dtype=np.bool_)
    known[list(b"0123456789+-.eE \n")] = True
    return known


def _of_symbols() -> IntArray:
    found = np.zeros((256, 256), dtype=np.int64)
    for number, symbol in enumerate(SYMBOLS):
        letters = f"{symbol:<2}".encode()
        found[letters[0], letters[1]] = number
    return found


IN_NUMBERS = _of_numbers()
"""Which bytes plain numbers, and what is between them, are made of."""
NUMBERS = _of_symbols()
"""Bytes of a symbol → atomic number; 0 for none."""


def symbols_and_numbers(lines: list[str], num_columns: int) -> tuple[IntArray, FloatArray] | None:
    """Return atomic numbers, and the numbers behind the symbols; None where a line is made of anything else.

    The numbers are those that Python makes of the same text, to the last digit.

    Args:
        lines: of atoms, without their ends.
        num_columns: symbol included; at least 4.

    Returns:
        Shapes (atoms,), int64, and (atoms, columns − 1), float64.
    """
    try:
        # a line's end before the first as well, so that each column begins behind a blank
        text = np.frombuffer("\n".join(["", *lines, ""]).encode("ascii"), dtype=np.uint8).copy()
    except UnicodeEncodeError:
        return None
    blank = text <= SPACE  # other bytes below it are no numbers
    begins = np.flatnonzero(blank[:-1] > blank[1:]) + 1
    ends = np.flatnonzero(text == END)
    if len(begins) != len(lines) * num_columns or np.diff(ends).max() >= LONGEST_LINE:
        return None
    first, last = begins[::num_columns], begins[num_columns - 1 :: num_columns]
    # with as many columns in all, none is on another line
    if (first < ends[:-1]).any() or (last > ends[1:]).any():
        return None
    second = np.where(blank[first + 1], SPACE, text[first + 1])
    atomic_numbers = NUMBERS[text[first], second]
    has_two = second != SPACE
    if (atomic_numbers == 0).any():
        return None
    text[first] = SPACE
    text[first[has_two] + 1] = SPACE
    if not IN_NUMBERS[text].all():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # where it stops early
        try:
            numbers = np.fromstring(text.tobytes(), sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    # more where a symbol was longer; and each column is at least one, so that with as many in all each is one
    if len(numbers) != len(lines) * (num_columns - 1):
        return None
    return atomic_numbers, numbers.reshape(len(lines), num_columns - 1)
