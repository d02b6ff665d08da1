"""Damage: bytes and lines that are changed, lost, doubled or moved."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np

from tests.fuzz.formats import Format

Random = np.random.Generator
CLAIMS = (0, 1, -1, 255, 2**15, 2**31 - 1, 2**31, 10**9, 10**15, 2**62, 2**63 - 1)
"""Whole numbers at which counts and lengths go wrong."""


def mutant(form: Format, raw: bytes, seed: list[int]) -> bytes:
    """Return a damaged copy of a file; the same for the same seed."""
    random = np.random.default_rng(seed)
    if form.inside and form.outside and random.random() < 0.75:
        pieces = form.inside(raw)
        hit = int(random.integers(len(pieces)))
        pieces[hit] = _damaged(pieces[hit], form.is_text, random)
        return form.outside(raw, pieces)
    return _damaged(raw, form.is_text and not form.inside, random)


def _damaged(raw: bytes, is_text: bool, random: Random) -> bytes:
    kinds: tuple[Callable[[bytes, Random], bytes], ...] = TEXT if is_text and random.random() < 0.6 else BYTES
    for _ in range(int(random.integers(1, 3))):
        raw = kinds[int(random.integers(len(kinds)))](raw, random)
    return raw


def _span(raw: bytes, random: Random) -> tuple[int, int]:
    start = int(random.integers(len(raw) + 1))
    return start, min(len(raw), start + int(2 ** random.uniform(0, 9)))


def _flip(raw: bytes, random: Random) -> bytes:
    if not raw:
        return raw
    changed = bytearray(raw)
    changed[int(random.integers(len(raw)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _noise(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    return raw[:start] + random.bytes(end - start) + raw[end:]


def _zeros(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    return raw[:start] + bytes(end - start) + raw[end:]


def _cut(raw: bytes, random: Random) -> bytes:
    return raw[: int(random.integers(len(raw) + 1))]


def _lose(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    return raw[:start] + raw[end:]


def _insert(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    return raw[:start] + random.bytes(end - start) + raw[start:]


def _double(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    return raw[:end] + raw[start:]


def _move(raw: bytes, random: Random) -> bytes:
    start, end = _span(raw, random)
    piece, rest = raw[start:end], raw[:start] + raw[end:]
    place = int(random.integers(len(rest) + 1))
    return rest[:place] + piece + rest[place:]


def _claim(raw: bytes, random: Random) -> bytes:
    """Write a whole number where one may stand: in four or eight bytes, of either order."""
    size = int(random.choice([4, 8]))
    place = int(random.integers(max(1, len(raw) // size))) * size
    number = CLAIMS[int(random.integers(len(CLAIMS)))] % 2 ** (8 * size)
    order = "<" if random.random() < 0.7 else ">"
    return raw[:place] + struct.pack(f"{order}{'I' if size == 4 else 'Q'}", number) + raw[place + size :]


BYTES = (_flip, _flip, _noise, _zeros, _cut, _lose, _insert, _double, _move, _claim, _claim)


def _lines(raw: bytes, random: Random) -> tuple[list[bytes], int]:
    lines = raw.split(b"\n")
    return lines, int(random.integers(len(lines)))


def _lose_line(raw: bytes, random: Random) -> bytes:
    lines, at = _lines(raw, random)
    return b"\n".join(lines[:at] + lines[at + 1 :])


def _double_line(raw: bytes, random: Random) -> bytes:
    lines, at = _lines(raw, random)
    return b"\n".join(lines[: at + 1] + lines[at:])


def _swap_lines(raw: bytes, random: Random) -> bytes:
    lines, at = _lines(raw, random)
    other = int(random.integers(len(lines)))
    lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


def _more_columns(raw: bytes, random: Random) -> bytes:
    lines, at = _lines(raw, random)
    lines[at] += b" 0.5"
    return b"\n".join(lines)


def _fewer_columns(raw: bytes, random: Random) -> bytes:
    lines, at = _lines(raw, random)
    lines[at] = lines[at].rpartition(b" ")[0]
    return b"\n".join(lines)


def _number(raw: bytes, random: Random, change: Callable[[bytes], bytes]) -> bytes:
    found = list(re.finditer(rb"-?\d+(\.\d+)?", raw))
    if not found:
        return raw
    one = found[int(random.integers(len(found)))]
    return raw[: one.start()] + change(one.group()) + raw[one.end() :]


def _digit(raw: bytes, random: Random) -> bytes:
    def change(number: bytes) -> bytes:
        at = int(random.integers(len(number)))
        return number[:at] + str(random.integers(10)).encode() + number[at + 1 :]

    return _number(raw, random, change)


def _sign(raw: bytes, random: Random) -> bytes:
    return _number(raw, random, lambda number: number[1:] if number[:1] == b"-" else b"-" + number)


def _shift(raw: bytes, random: Random) -> bytes:
    return _number(raw, random, lambda number: number.replace(b".", b"") + b"0")


def _other(raw: bytes, random: Random) -> bytes:
    words = (b"nan", b"inf", b"1e999", b"1_0", b"", b"None", b"1000000000", b"1e9")
    return _number(raw, random, lambda number: words[int(random.integers(len(words)))])


TEXT = (
    *(_lose_line, _double_line, _swap_lines, _more_columns, _fewer_columns),
    *(_digit, _digit, _sign, _shift, _other),
)
