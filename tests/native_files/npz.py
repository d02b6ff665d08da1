"""rMD17 and MD17 as they were published: .npz arrays of one molecule, in kcal/mol and kcal/mol/Å."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule

from potbench.datasets.flexible import FORMULAS as FLEXIBLE
from potbench.datasets.md17 import FORMULAS

UNITS = 627.5094740631  # kcal/mol in one hartree


def trajectory(name: str, num_frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A molecule that ASE knows, shaken about by springs to where its atoms rest.

    Returns:
        numbers (atoms,), positions (frames, atoms, 3) in Å, energy (frames,) in kcal/mol, forces in kcal/mol/Å.
    """
    atoms = at_rest(name)
    random = np.random.default_rng(seed)
    shifts = random.normal(scale=0.05, size=(num_frames, len(atoms), 3))
    shifts -= shifts.mean(axis=1, keepdims=True)
    return {
        "numbers": atoms.numbers.astype(np.uint8),
        "positions": atoms.positions + shifts,
        "energy": 400.0 * (shifts**2).sum(axis=(1, 2)) - 97_000.0,
        "forces": -800.0 * shifts,
    }


def at_rest(name: str) -> Atoms:
    """A molecule that ASE knows; or the atoms of one of MD17, as far apart as bonded ones."""
    if name == "ethanol":
        return molecule("CH3CH2OH")
    if name not in FORMULAS | FLEXIBLE:
        return molecule(name)
    atoms = Atoms((FORMULAS | FLEXIBLE)[name])
    atoms.positions = 1.4 * np.array(list(np.ndindex(3, 3, 4)))[: len(atoms)]
    return atoms


def write_rmd17(folder: Path, molecule: str = "ethanol", num_frames: int = 40, fold_size: int = 8) -> Path:
    """Write rmd17_<molecule>.npz and the ten files of the official splits; return the path of the former."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = rmd17_arrays(num_frames, molecule)
    file = folder / f"rmd17_{molecule}.npz"
    np.savez(file, **arrays)
    random = np.random.default_rng(1)
    for fold in range(1, 6):
        drawn = random.permutation(num_frames)[: 2 * fold_size]
        np.savetxt(folder / f"index_train_{fold:02d}.csv", drawn[:fold_size], fmt="%d")
        np.savetxt(folder / f"index_test_{fold:02d}.csv", drawn[fold_size:], fmt="%d")
    return file


def rmd17_arrays(num_frames: int = 40, molecule: str = "ethanol") -> dict[str, np.ndarray]:
    """The arrays of such a file: frames shuffled, each with its number in MD17."""
    made = trajectory(molecule, num_frames)
    return {
        "nuclear_charges": made["numbers"],
        "coords": made["positions"],
        "energies": made["energy"],
        "forces": made["forces"],
        "old_indices": np.random.default_rng(2).permutation(10 * num_frames)[:num_frames],
        "old_energies": made["energy"] + 0.01,
        "old_forces": made["forces"] + 0.02,
    }


def write_rmd17_halves(folder: Path, fold: str = "01", num_frames: int = 40) -> dict[str, np.ndarray]:
    """Write rmd17_ethanol_train_<fold>.npz and …_test_<fold>.npz; return the arrays, training frames first."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = rmd17_arrays(num_frames)
    for part, rows in {"train": slice(num_frames // 2), "test": slice(num_frames // 2, None)}.items():
        half = {name: array if name == "nuclear_charges" else array[rows] for name, array in arrays.items()}
        np.savez(folder / f"rmd17_ethanol_{part}_{fold}.npz", **half)
    return arrays


def write_sgdml(file: Path, num_frames: int = 40, flat: bool = False, **more: Any) -> dict[str, np.ndarray]:
    """Write an sGDML dataset and return its arrays.

    Args:
        file: where it shall stand.
        num_frames: how many frames.
        flat: whether energies have shape (frames,), as in some files, or (frames, 1), as in MD17.
        more: other arrays, such as md5, name, theory, r_unit and e_unit; md5=True writes the right one.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    made = trajectory("CH3CH2OH", num_frames)
    energy = made["energy"] if flat else made["energy"][:, None]
    arrays = {"z": made["numbers"], "R": made["positions"], "E": energy, "F": made["forces"]}
    if more.get("md5") is True:
        digests = b"".join(hashlib.md5(arrays[key].tobytes()).digest() for key in "zREF")
        more["md5"] = np.array(hashlib.md5(digests).hexdigest().encode())
    np.savez(file, **arrays, **{key: np.array(value) for key, value in more.items()})
    return arrays


def write_md17(folder: Path, stem: str = "md17_ethanol", num_frames: int = 40, seed: int = 0) -> Path:
    """Write <stem>.npz as quantum-machine.org has it, and return its path."""
    file = folder / f"{stem}.npz"
    write_sgdml(file, num_frames, md5=True, name=np.bytes_("Ethanol"), theory="unknown", type=np.bytes_("d"))
    return file


def write_flexible(file: Path, num_frames: int = 40, name: str = "glycine") -> dict[str, np.ndarray]:
    """Write frames as in the supplement of the paper on flexible molecules; return what went in, in kcal/mol."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = trajectory(name, num_frames)
    symbols = at_rest(name).get_chemical_symbols()
    with file.open("w") as text:
        for frame in range(num_frames):
            text.write(f"{len(symbols)}\n{made['energy'][frame]!s}\n")
            for atom, symbol in enumerate(symbols):
                numbers = [*made["positions"][frame, atom], *made["forces"][frame, atom]]
                text.write("  ".join([symbol, *(f"{number:.17g}" for number in numbers)]) + "\n")
    return made
