"""ASE databases in the layouts that are about, extended XYZ, and QM9's raw archive."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write

from tests.native_files.molecules import FREE_ATOMS, MOLECULES

HARTREE = 27.211386245988


def images(num_frames: int = 12, forces: bool = True, formula: str | None = None) -> list[Atoms]:
    """Molecules that ASE knows, shaken, each twice in a row; energies in hartree and forces in hartree/Å.

    With a formula, frames of it, the order of its atoms another in every second one.
    """
    random = np.random.default_rng(0)
    made = []
    for number in range(num_frames):
        if formula is None:
            atoms = molecule(MOLECULES[number // 2 % len(MOLECULES)])
        else:
            atoms = Atoms(formula)[:: 1 - 2 * (number // 2 % 2)]
            atoms.positions = 1.4 * np.array(list(np.ndindex(3, 3, 4)))[: len(atoms)]
        atoms.positions += random.normal(scale=0.05, size=atoms.positions.shape)
        energy = sum(FREE_ATOMS[symbol] for symbol in atoms.symbols) - 0.3 + random.normal(scale=0.01)
        results = {"energy": energy}
        if forces:
            results["forces"] = random.normal(scale=0.02, size=atoms.positions.shape)
        atoms.calc = SinglePointCalculator(atoms, **results)
        made.append(atoms)
    return made


def write_extended_xyz(file: Path, /, num_frames: int = 12, forces: bool = True, **named: float) -> list[Atoms]:
    """Write an extended XYZ file, each frame with the named values as well; return what went in."""
    made = images(num_frames, forces)
    for atoms in made:
        atoms.info |= named
    write(file, made, format="extxyz")
    return made


def write_database(file: Path, layout: str, num_frames: int = 12, key: str = "energy_U0") -> list[Atoms]:
    """Write an ASE database; return what went in.

    Args:
        file: where.
        layout: `calculator`, as ASE itself keeps energies and forces (in hartree here); `arrays`, as SchNetPack does
            now, with units (hartree); `text`, its former base64 (eV); `pairs`, its first key-value pairs (eV); `iso17`,
            a pair total_energy and a list of atomic_forces (eV).
        num_frames: how many.
        key: name of the energy in the three layouts of SchNetPack.
    """
    made = images(num_frames, formula="C7H10O2" if layout == "iso17" else None)
    with connect(file, use_lock_file=False) as database:
        for atoms in made:
            energy, forces = atoms.calc.results["energy"], atoms.calc.results["forces"]
            bare = Atoms(atoms.numbers, atoms.positions)
            if layout == "calculator":
                database.write(atoms)
            elif layout == "arrays":
                database.write(bare, data={key: np.array([energy]), "forces": forces})
            elif layout == "text":
                text = base64.b64encode(np.array([energy * HARTREE]).tobytes()).decode()
                database.write(bare, data={key: text, f"_shape_{key}": [1], f"_dtype_{key}": "float64"})
            elif layout == "pairs":
                database.write(bare, key_value_pairs={key: energy * HARTREE}, data={"_idx": [0, 1]})
            else:
                data = {"atomic_forces": (forces * HARTREE).tolist()}
                database.write(bare, key_value_pairs={"total_energy": energy * HARTREE}, data=data)
        if layout == "arrays":
            units = {key: "Ha", "forces": "Ha/Ang"}
            database.metadata = {"_property_unit_dict": units, "_distance_unit": "Ang", "atomrefs": {}}
    return made


def write_iso17(folder: Path, num_frames: int = 12) -> list[Atoms]:
    """Write ISO17's three databases, all alike, and its ids; return what went into each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("reference", "test_within", "test_other"):
        made = write_database(folder / f"{name}.db", "iso17", num_frames)
    ids = np.random.default_rng(0).permutation(num_frames) + 1
    (folder / "train_ids.txt").write_text("\n".join(map(str, ids[2:])) + "\n")
    (folder / "validation_ids.txt").write_text("\n".join(map(str, ids[:2])) + "\n")
    return made


def raw_qm9(atoms: Atoms, number: int) -> str:
    """The file of a molecule as QM9 has it; properties beside the energies are what place they stand in."""
    energies = {place: atoms.calc.results["energy"] + place / 1000 for place in range(10, 14)}
    head = [f"{energies.get(place, place):.6f}".rstrip("0") for place in range(15)]
    lines = [str(len(atoms)), "\t".join([f"gdb {number}", *head]) + "\t"]
    for symbol, position in zip(atoms.symbols, atoms.positions, strict=True):
        lines.append("\t".join([symbol, *(f"{x:.10f}" for x in position), "-0.1"]))
    # as Mathematica writes small numbers
    lines[-1] = lines[-1].replace("-0.1", "-7.9254*^-6")
    return "\n".join([*lines, "100.\t200.", f"C{number}\tO{number}\t", "InChI=1S/a\tInChI=1S/b"]) + "\n"


def write_qm9(folder: Path, num_frames: int = 12, left_out: tuple[int, ...] = (3, 7)) -> list[Atoms]:
    """Write QM9's raw archive and its list of uncharacterized molecules; return what went in."""
    folder.mkdir(parents=True, exist_ok=True)
    made = images(num_frames, forces=False)
    with tarfile.open(folder / "dsgdb9nsd.xyz.tar.bz2", "w:bz2") as archive:
        for number, atoms in enumerate(made, start=1):
            text = raw_qm9(atoms, number).encode()
            member = tarfile.TarInfo(f"dsgdb9nsd_{number:06d}.xyz")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    # padded to the length it really has, by numbers that no molecule here has
    numbers = [*left_out, *range(200_000, 203_054 - len(left_out))]
    lines = ["a head of nine lines"] * 9 + [f"  {number}\tC\tO\t0.1" for number in numbers] + ["the end"]
    (folder / "uncharacterized.txt").write_text("\n".join(lines) + "\n")
    return made
