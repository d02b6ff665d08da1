"""One small file of every format, its numbers those of a molecule held by springs, and the dataset that reads it."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from uuid import UUID

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write

from potbench.datasets import (
    ANI1,
    ISO17,
    QM9,
    RMD17,
    ASEDatabase,
    Dataset,
    ExtendedXYZ,
    FlexibleMolecules,
    Generated,
    SGDMLFile,
)
from potbench.structures import SYMBOLS, Frames
from potbench.units import HARTREE, KCAL_PER_MOL
from tests.native_files import ase_files
from tests.native_files.ani1 import write_ani1
from tests.native_files.molecules import Conformers
from tests.native_files.npz import write_flexible
from tests.native_files.one_molecule import write_one_molecule
from tests.native_files.springs import healthy

NUM_FRAMES = 24

Pieces = list[bytes]


class Format(NamedTuple):
    """A kind of file.

    Attributes:
        file: name of the file that is damaged.
        write: writes it, and what else the dataset needs, into a folder.
        open: the dataset of a folder.
        is_text: whether its damage is also that of text: lines, columns, digits.
        inside: unpacks a file, so that what is in it is damaged and its checksums stay right.
        outside: packs it again.
    """

    file: str
    write: Callable[[Path], object]
    open: Callable[[Path], Dataset]
    is_text: bool = False
    inside: Callable[[bytes], Pieces] | None = None
    outside: Callable[[bytes, Pieces], bytes] | None = None


@cache
def _frames(name: str = "H2O", num_frames: int = NUM_FRAMES) -> Frames:
    return healthy(name, num_frames)


def _images(unit: float = 1.0) -> list[Atoms]:
    frames = _frames()
    images = []
    for positions, energy, forces in zip(frames.positions, frames.energy, frames.forces, strict=True):
        atoms = Atoms(frames.atomic_numbers, positions)
        atoms.calc = SinglePointCalculator(atoms, energy=energy / unit, forces=forces / unit)
        images.append(atoms)
    return images


def _ani1(folder: Path) -> None:
    frames = _frames()
    symbols = [SYMBOLS[number] for number in frames.atomic_numbers]
    write_ani1(folder, {0: Conformers(symbols, frames.positions.astype(np.float32), frames.energy / HARTREE)})


def _arrays(frames: Frames) -> dict[str, np.ndarray]:
    energy, forces = frames.energy / KCAL_PER_MOL, frames.forces / KCAL_PER_MOL
    return {"numbers": frames.atomic_numbers, "positions": frames.positions, "energy": energy, "forces": forces}


def _rmd17(folder: Path) -> None:
    made = _arrays(_frames("CH3CH2OH"))
    old = {"old_energies": made["energy"], "old_forces": made["forces"], "old_indices": np.arange(NUM_FRAMES)}
    new = {"coords": made["positions"], "energies": made["energy"], "forces": made["forces"]}
    np.savez(folder / "rmd17_ethanol.npz", nuclear_charges=made["numbers"], **new, **old)
    for fold in range(1, 6):
        order = np.random.default_rng(fold).permutation(NUM_FRAMES)
        np.savetxt(folder / f"index_train_{fold:02d}.csv", order[:8], fmt="%d")
        np.savetxt(folder / f"index_test_{fold:02d}.csv", order[8:16], fmt="%d")


def _sgdml(folder: Path) -> None:
    made = _arrays(_frames())
    units = {"e_unit": np.array("kcal/mol"), "r_unit": np.array("Ang")}
    arrays = {"z": made["numbers"], "R": made["positions"], "E": made["energy"][:, None], "F": made["forces"]}
    np.savez(folder / "a.npz", **arrays, **units)


def _flexible(folder: Path) -> None:
    write_flexible(folder / "Glycine.xyz", 12)


def _database(file: Path) -> None:
    with connect(file, use_lock_file=False) as database:
        for atoms in _images():
            database.write(atoms)


def _zipped_xyz(file: Path) -> None:
    text = io.StringIO()
    write(text, _images(), format="extxyz")
    file.write_bytes(gzip.compress(text.getvalue().encode(), 1, mtime=0))


def _members(raw: bytes) -> Pieces:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        return [packed.read(name) for name in packed.namelist()]


def _zipped(raw: bytes, members: Pieces) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(made, "w") as target:
        for name, member in zip(packed.namelist(), members, strict=True):
            target.writestr(name, member)
    return made.getvalue()


BZIP2 = (lambda raw: [bz2.decompress(raw)], lambda raw, inside: bz2.compress(inside[0], 1))
GZIP = (lambda raw: [gzip.decompress(raw)], lambda raw, inside: gzip.compress(inside[0], 1, mtime=0))
ZIP = (_members, _zipped)

FORMATS: dict[str, Format] = {
    "ani1": Format("ani_gdb_s01.h5", _ani1, lambda folder: ANI1(folder, [1])),
    "generated": Format(
        "a.h5", lambda folder: write_one_molecule(folder / "a.h5"), lambda folder: Generated(folder / "a.h5")
    ),
    "rmd17": Format("rmd17_ethanol.npz", _rmd17, lambda folder: RMD17("ethanol", folder=folder), False, *ZIP),
    "rmd17_index": Format("index_train_01.csv", _rmd17, lambda folder: RMD17("ethanol", folder=folder), True),
    "sgdml": Format("a.npz", _sgdml, lambda folder: SGDMLFile(folder / "a.npz"), False, *ZIP),
    "qm9": Format(
        "dsgdb9nsd.xyz.tar.bz2",
        lambda folder: ase_files.write_qm9(folder, 6, ()),
        lambda folder: QM9(folder=folder, uncharacterized=True),
        True,
        *BZIP2,
    ),
    "qm9_left_out": Format(
        "uncharacterized.txt", lambda folder: ase_files.write_qm9(folder, 6), lambda folder: QM9(folder=folder), True
    ),
    "qm9_database": Format(
        "qm9.db",
        lambda folder: ase_files.write_database(folder / "qm9.db", "arrays", 6),
        lambda folder: QM9(folder=folder),
    ),
    "database": Format(
        "a.db", lambda folder: _database(folder / "a.db"), lambda folder: ASEDatabase(folder / "a.db", "eV", "Å")
    ),
    "schnetpack": Format(
        "a.db",
        lambda folder: ase_files.write_database(folder / "a.db", "arrays", 6, "energy"),
        lambda folder: ASEDatabase(folder / "a.db"),
    ),
    "json": Format(
        "a.json",
        lambda folder: _database(folder / "a.json"),
        lambda folder: ASEDatabase(folder / "a.json", "eV", "Å"),
        True,
    ),
    "extended_xyz": Format(
        "a.xyz",
        lambda folder: write(folder / "a.xyz", _images(), format="extxyz"),
        lambda folder: ExtendedXYZ(folder / "a.xyz", "eV", "Å"),
        True,
    ),
    "xyz_gz": Format(
        "a.xyz.gz",
        lambda folder: _zipped_xyz(folder / "a.xyz.gz"),
        lambda folder: ExtendedXYZ(folder / "a.xyz.gz", "eV", "Å"),
        True,
        *GZIP,
    ),
    "trajectory": Format(
        "a.traj",
        lambda folder: write(folder / "a.traj", _images()),
        lambda folder: ExtendedXYZ(folder / "a.traj", "eV", "Å"),
    ),
    "flexible": Format("Glycine.xyz", _flexible, lambda folder: FlexibleMolecules("glycine", folder=folder), True),
    "iso17": Format(
        "reference.db", lambda folder: ase_files.write_iso17(folder, 6), lambda folder: ISO17(folder=folder)
    ),
    "iso17_ids": Format(
        "train_ids.txt", lambda folder: ase_files.write_iso17(folder, 6), lambda folder: ISO17(folder=folder), True
    ),
}


def made(kind: str, folder: Path) -> Path:
    """Write the files of a format into an empty folder; return the one that is to be damaged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # ASE names the rows of databases at random, and says when
    names = (UUID(int=number) for number in itertools.count(2**127))
    with patch("uuid.uuid4", lambda: next(names)), patch("ase.db.core.time", lambda: 1.7e9):
        FORMATS[kind].write(folder)
    return folder / FORMATS[kind].file
