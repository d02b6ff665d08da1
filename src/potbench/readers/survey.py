"""What the frames of a file carry by name, and which of them lack it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from potbench.errors import DataFileError, SettingError
from potbench.readers.stated import states
from potbench.structures import SYMBOLS, Column, IntArray

FEW = 5
MOST_NAMES = 20
"""That a message lists."""
MOST_COLUMNS = 200
"""Names whose values are kept."""
PARTIAL = "partial_labels, with which frames train on what they have"
FORCES = "forces"
"""Name under which forces are looked for, unless the user says another."""
NO_FORCES = re.compile(r"mom|vel|dip|disp|stress|vir|cell|latt|pole|polar|pos|coord|charge|spin", re.IGNORECASE)
"""In names of three numbers for each atom that are something else."""


@dataclass
class Seen:
    """Where a name was seen.

    Args:
        lacking: the first frames without it.
        molecules_lacking: the first frames of more than one atom without it.
        frames: how many have it.
        molecules: how many of those of more than one atom have it.
        is_vector: whether it is three numbers for each atom, wherever it is.
    """

    lacking: list[int]
    molecules_lacking: list[int]
    frames: int = 0
    molecules: int = 0
    is_vector: bool = True


@dataclass
class Survey:
    """What the frames of a file carry by name.

    Args:
        file: the file, for messages.
        frame: what the file calls a frame.
        names: name → where it was seen.
        num_frames: how many frames.
        num_molecules: how many frames of more than one atom.
        numbers: atomic numbers that occur.
        isolated: atomic number → lowest and highest energy of single atoms of it, in the unit of the file, each with
            its frame.
        scalars: name → number or text of each frame, of up to MOST_COLUMNS names; None where it has none.
    """

    file: Path
    frame: str = "frame"
    names: dict[str, Seen] = field(default_factory=dict)
    num_frames: int = 0
    num_molecules: int = 0
    numbers: set[int] = field(default_factory=set)
    isolated: dict[int, tuple[tuple[float, int], tuple[float, int]]] = field(default_factory=dict)
    scalars: dict[str, list[float | str | None]] = field(default_factory=dict)
    _first: list[int] = field(default_factory=list)
    _first_molecules: list[int] = field(default_factory=list)
    _lacking: dict[str, list[int]] = field(default_factory=dict)
    _molecules_lacking: dict[str, list[int]] = field(default_factory=dict)

    def add(self, frame: int, numbers: IntArray, values: Mapping[str, object], energy: float | None) -> None:
        """Add the next frame.

        Args:
            frame: its number in the file.
            numbers: shape (atoms,), its atomic numbers.
            values: name → shape of an array, or a single number or text.
            energy: its energy, in the unit of the file, or None.
        """
        is_molecule = len(numbers) > 1
        for name, value in values.items():
            if name not in self.names:
                self._begin(name, Seen(list(self._first), list(self._first_molecules)))
            seen = self.names[name]
            seen.frames += 1
            seen.molecules += is_molecule
            seen.is_vector &= isinstance(value, tuple) and value == (len(numbers), 3)
            # more of them are words of comment lines, another in each
            is_kept = name in self.scalars or len(self.scalars) < MOST_COLUMNS
            if is_kept and isinstance(value, int | float | str):
                column = self.scalars.setdefault(name, [])
                column += [None] * (self.num_frames - len(column)) + [value]
        for some in (self._lacking, self._molecules_lacking)[: 1 + is_molecule]:
            for name in [name for name in some if name not in values]:
                some[name].append(frame)
                if len(some[name]) == FEW:  # so that those that most frames lack take no time
                    del some[name]
        for frames in (self._first, self._first_molecules)[: 1 + is_molecule]:
            frames += [frame] if len(frames) < FEW else []
        self.num_frames += 1
        self.num_molecules += is_molecule
        self.numbers.update(numbers.tolist())
        if not is_molecule and energy is not None:
            number, found = int(numbers[0]), (energy, frame)
            lowest, highest = self.isolated.get(number, (found, found))
            self.isolated[number] = min(lowest, found), max(highest, found)

    def _begin(self, name: str, seen: Seen) -> None:
        self.names[name] = seen
        for some, lacking in ((self._lacking, seen.lacking), (self._molecules_lacking, seen.molecules_lacking)):
            if len(lacking) < FEW:
                some[name] = lacking

    @property
    def elements(self) -> list[str]:
        """Return the chemical symbols that occur, by ascending atomic number."""
        return [SYMBOLS[number] for number in sorted(self.numbers)]

    @property
    def vectors(self) -> list[str]:
        """Return the names of three numbers for each atom."""
        return [name for name, seen in self.names.items() if seen.is_vector]

    def require(self, owner: object, setting: str, key: str | None, *, partial: bool = False) -> None:
        """Raise SettingError or DataFileError unless every frame has a value of a name.

        Args:
            owner: the dataset.
            setting: its setting that gives the name.
            key: the name; None asks for nothing.
            partial: whether some frames may lack it.
        """
        if key is None:
            return
        if key not in self.names:
            raise SettingError(owner, setting, key, "the name of one of these", self._missing(key))
        if self.names[key].frames < self.num_frames and not partial:
            problem = f"{self.file} has {self.counts(key)}"
            if setting == "energy_key":
                expected = f"energies in every {self.frame}, or {PARTIAL}"
                raise SettingError(owner, "energy_key", key, expected, problem)
            raise DataFileError(f"{problem}. Expected it in every {self.frame}.")

    def require_forces(self, owner: object, key: str | None, *, partial: bool = False) -> None:
        """Raise SettingError unless the frames have forces, or nothing that could be forces.

        Single atoms need none: they are zero.

        Args:
            owner: the dataset.
            key: their name, its setting forces_key; None leaves them out.
            partial: whether some frames may lack them.
        """
        if key is None or (partial and key in self.names):
            return
        if key in self.names:
            if self.names[key].molecules < self.num_molecules:
                others = [name for name in self._could_be_forces() if name != key]
                more = f". Of their shape as well: {', '.join(others)}" if others else ""
                expected = f"forces in every {self.frame}, or {PARTIAL}"
                raise SettingError(owner, "forces_key", key, expected, f"{self.file} has {self.counts(key)}{more}")
            return
        candidates = self._could_be_forces()
        if key == FORCES and not candidates:
            return
        problem = self._missing(key)
        if candidates:
            problem += f". Three numbers for each atom: {', '.join(candidates)}"
        if any("grad" in name.lower() for name in candidates):
            problem += "; gradients are forces with the opposite sign"
        raise SettingError(owner, "forces_key", key, "the name of the forces, or none to leave them out", problem)

    def columns(self, read: Sequence[str | None]) -> dict[str, Column]:
        """Return numbers and texts of the frames that are not read: name → shape (frames,).

        Where names are too many, those that most frames lack are words of comment lines, and left out.

        Args:
            read: names that are read.
        """
        found: dict[str, Column] = {}
        for name, values in self.scalars.items():
            rare = len(self.scalars) == MOST_COLUMNS and 2 * self.names[name].frames < self.num_frames
            if name in read or rare:
                continue
            filled = [*values, *[None] * (self.num_frames - len(values))]
            if any(isinstance(value, str) for value in filled):
                found[name] = np.array(["" if value is None else str(value) for value in filled])
            else:
                found[name] = np.array([np.nan if value is None else float(value) for value in filled])
        return found

    def only_text(self, name: str) -> str:
        """Return the text that frames have under a name; empty where it is none.

        Raises:
            DataFileError: it is another one in some frames, or some have none.
        """
        texts = [value for value in self.scalars.get(name, ()) if isinstance(value, str)]
        found = sorted(set(texts))
        if len(found) > 1:
            raise DataFileError(
                f"{self.file} has the {name} {', '.join(found)}. Expected the same in every {self.frame}."
            )
        if found and len(texts) < self.num_frames:
            raise DataFileError(
                f"{self.file} has {self.counts(name)}. Expected the same in every {self.frame}, or in none; write "
                f"{name}={found[0]} into each of them, or remove it."
            )
        return found[0] if found else ""

    def facts(self) -> dict[str, str]:
        """Return what every frame states of itself: name → text; raise like `only_text`."""
        return {name: self.only_text(name) for name in filter(states, self.names)}

    def counts(self, key: str) -> str:
        """Return how many frames have a value, and which are the first without it; single atoms have their forces."""
        seen, missing = self.names[key], self.lacks(key)
        lacking = seen.molecules_lacking if seen.is_vector else seen.lacking
        more = f" and {missing - FEW:,} more" if missing > FEW else ""
        first = ", ".join(map(str, lacking[:FEW]))
        return f"{key} in {self.num_frames - missing:,} of {self.num_frames:,} {self.frame}s; without: {first}{more}"

    def lacks(self, key: str) -> int:
        """Return how many frames lack a value; single atoms have their forces."""
        seen = self.names[key]
        return self.num_molecules - seen.molecules if seen.is_vector else self.num_frames - seen.frames

    def remarks(self, read: Sequence[str | None]) -> list[str]:
        """Return what the user should know: what is not read, and energies of single atoms.

        Args:
            read: names that are read.
        """
        left_out = [name for name in self.names if name not in read]
        atoms = ", ".join(SYMBOLS[number] for number in sorted(self.isolated))
        found = []
        if left_out:
            found.append(f"Not read from {self.file.name}: {_listed(left_out)}.")
        if self.isolated and self.num_molecules:
            found.append(
                f"{self.file.name} has single atoms of {atoms}: their energies can be the reference energies "
                "(isolated atoms), and their forces are zero."
            )
        return found

    def _missing(self, key: str) -> str:
        return f"{self.file} has no {key} in any {self.frame}, only {_listed(self.names) or 'positions'}"

    def _could_be_forces(self) -> list[str]:
        return sorted(name for name in self.vectors if not NO_FORCES.search(name))


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(sorted(names)[:MOST_NAMES])}{more}"


def seen(value: object, *, is_array: bool = True) -> object:
    """Return a single number or text as it is, and the shape of anything else.

    Args:
        value: of a frame.
        is_array: whether an array may be one of numbers for each atom.
    """
    if isinstance(value, str):
        return str(value)
    try:
        array = np.asarray(value)
    except ValueError:  # lists of unequal lengths
        return ()
    if array.shape in {(), (1,)} and array.dtype.kind in "biuf":
        return float(array.reshape(()))
    return array.shape if is_array else ()
