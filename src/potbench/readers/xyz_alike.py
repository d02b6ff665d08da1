"""Frames of extended XYZ that are written alike, all at once."""

from __future__ import annotations

from typing import NamedTuple

from potbench.readers.frame import ReadFrame
from potbench.readers.xyz_columns import symbols_and_numbers
from potbench.readers.xyz_comment import value_of

STRUCTURAL = {"Properties", "Lattice", "pbc"}
"""Names in a comment line that are no values: frames that are alike have the same text there."""
SINGLE = ("energy", "free_energy", "magmom")
"""Names in a comment line of results that ASE takes as they are."""
SHAPED = {"stress", "dipole", "polarization", "dielectric_tensor"}
"""Names of those of which it makes something else."""


class Written(NamedTuple):
    """How a frame is written.

    Attributes:
        pairs: names and values of the comment line.
        atoms: lines of the atoms, without their ends.
    """

    pairs: dict[str, str]
    atoms: list[str]


class Kind(NamedTuple):
    """What frames that are written alike have in common.

    Attributes:
        names: in the comment line, in its order.
        structural: what is written there under Properties, Lattice and pbc.
    """

    names: tuple[str, ...]
    structural: tuple[str | None, ...]

    @classmethod
    def of(cls, written: Written) -> Kind:
        """Return the kind of a frame."""
        pairs = written.pairs
        return cls(tuple(pairs), (pairs.get("Properties"), pairs.get("Lattice"), pairs.get("pbc")))


class Alike(NamedTuple):
    """What becomes of the columns and the comment lines of frames of a kind.

    Attributes:
        num_columns: of an atom, its symbol included.
        positions: first of the three columns of positions behind the symbol.
        arrays: name → its columns behind the symbol.
        of_calculator: name → its columns, of those that are results of a calculator.
        info: names of values of the comment line.
        single: names of values of the comment line that are results of a calculator.
    """

    num_columns: int
    positions: slice
    arrays: dict[str, int | slice]
    of_calculator: dict[str, int | slice]
    info: tuple[str, ...]
    single: tuple[str, ...]

    @classmethod
    def like(cls, first: ReadFrame, kind: Kind, written: Written) -> Alike | None:
        """Return how to read frames of a kind; None where they have to be read by ASE.

        Args:
            first: one of them, as ASE has read it: only what makes the same of it is used.
            kind: of the frames.
            written: the same frame.
        """
        from ase.calculators.calculator import all_properties

        fields = written.pairs["Properties"].strip('"').split(":")
        names, kinds, numbers = fields[::3], fields[1::3], fields[2::3]
        is_plain = set(kinds[1:]) == {"R"} and all(number.isdecimal() for number in numbers)
        if fields[:3] != ["species", "S", "1"] or not is_plain or len(set(names)) < len(fields) / 3:
            return None
        columns: dict[str, int | slice] = {}
        end = 0
        for name, number in zip(names[1:], map(int, numbers[1:]), strict=True):
            columns[name] = end if number == 1 else slice(end, end + number)
            end += number
        positions = columns.pop("pos", None)
        values = [name for name in kind.names if name not in STRUCTURAL]
        if positions is None or isinstance(positions, int) or SHAPED & set(values) or set(columns) & set(values):
            return None
        found = cls(
            num_columns=1 + end,
            positions=positions,
            arrays={name: each for name, each in columns.items() if name not in all_properties},
            of_calculator={name: each for name, each in columns.items() if name in all_properties},
            info=tuple(name for name in values if name not in SINGLE),
            single=tuple(name for name in values if name in SINGLE),
        )
        read = found.read([written])
        return found if read is not None and first.equals(read[0]) else None

    def read(self, group: list[Written]) -> list[ReadFrame] | None:
        """Return frames of the kind; None where one of them is not plain numbers."""
        table = symbols_and_numbers([line for written in group for line in written.atoms], self.num_columns)
        if table is None:
            return None
        in_comment = frozenset(self.info)
        found: list[ReadFrame] = []
        end = 0
        of_previous = table[0][:0]
        for pairs, atoms in group:
            start, end = end, end + len(atoms)
            numbers, atomic_numbers = table[1][start:end], table[0][start:end]
            # frames of one molecule share them, so that whoever compares them is soon done
            if atomic_numbers.tobytes() != of_previous.tobytes():
                of_previous = atomic_numbers
            try:
                values = {
                    **{name: numbers[:, columns] for name, columns in self.arrays.items()},
                    **{name: value_of(name, pairs[name]) for name in self.info},
                    **{name: numbers[:, columns] for name, columns in self.of_calculator.items()},
                    **{name: value_of(name, pairs[name]) for name in self.single},
                }
            except Exception:  # ASE says what is wrong, when it reads the frame
                return None
            found.append(ReadFrame(of_previous, numbers[:, self.positions], values, in_comment))
        return found
