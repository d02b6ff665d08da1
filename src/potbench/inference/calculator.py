"""A trained potential as a calculator of ASE."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.calculators import calculator as of_ase
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import UnknownMoleculeError
from potbench.inference.load import load
from potbench.potentials.atomic import AtomicPotential
from potbench.potentials.ensemble import Ensemble
from potbench.potentials.molecules import batch_of
from potbench.potentials.plausible import named, require_finite, require_plausible
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS, FloatArray

MOVED = 0.02
"""Å that an atom moves before the molecule is looked at again, which takes a while."""


class Calculator(of_ase.Calculator):  # type: ignore[misc]  # ase is not typed
    """Energies and forces for ASE, in eV and Å, in float64.

    Each molecule is looked at before anything is computed: elements that the potential does not know, periodic cells
    and two atoms in one place are refused. A warning is given once when atoms leave the training set of the run.

    Of an ensemble there are `energy_spread` and `forces_spread` as well, standard deviations over its members.

    `energies` of atoms, where the potential has such, include their reference energies, and their sum is the energy.

    Args:
        potential: folder of a run, a checkpoint, or a loaded potential, which is then used where and as it is; several
            runs or checkpoints are an ensemble.
        device: where to compute, for a run or a checkpoint.
        dtype: precision, for a run or a checkpoint; see `load`.
        allow: packages that you trust, for a run or a checkpoint; see `load`.
        repulsion: whether nuclei repel each other at short distances, for a run or a checkpoint; see `load`.

    Raises:
        SettingError, RunError, CheckpointError: see `load`.
    """

    name = "potbench"
    # of no influence on a molecule in vacuum
    ignored_changes = frozenset({"cell", "initial_charges", "initial_magmoms"})

    def __init__(
        self,
        potential: Potential | Path | str | Sequence[Path | str],
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
        allow: Sequence[str] = (),
        repulsion: bool = False,
    ) -> None:
        loaded = isinstance(potential, Potential)
        super().__init__(**({} if loaded else {"run": str(potential)}))  # parameters, as files of ASE show them
        if not isinstance(potential, Potential):
            potential = load(potential, device, dtype, allow, repulsion)
        self.potential = potential
        self.reference_energies = _reference_energies(self.potential)
        self.implemented_properties = ["energy", "free_energy", "forces"]
        if self.reference_energies is not None:
            self.implemented_properties.append("energies")
        if isinstance(self.potential, Ensemble):
            self.implemented_properties += ["energy_spread", "forces_spread"]
        self._batch: Batch | None = None  # the last molecule; its positions are replaced
        self._looked_at: Atoms | None = None
        self._has_warned = False

    @override
    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """Return what has changed since the last calculation; ASE's own takes ten times as long, for each property."""
        before = self.atoms
        if before is None or len(before) != len(atoms):
            return list(of_ase.all_changes)
        same = {
            "positions": np.abs(atoms.positions - before.positions).max(initial=0) <= tol,
            "numbers": (atoms.numbers == before.numbers).all(),
            "pbc": (atoms.pbc == before.pbc).all(),
        }
        return [name for name, is_same in same.items() if not is_same]

    @override
    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(of_ase.all_changes),
    ) -> None:
        """Compute energies, and forces where they are among the properties.

        Raises:
            UnknownMoleculeError: of the molecule nothing sensible can be predicted.
        """
        if atoms is not None:
            self.atoms = atoms.copy()
        self.results: dict[str, Any] = {}
        has_moved = self._look_at(self.atoms)
        found = self.potential(self._batch_at(self.atoms), forces=bool({"forces", "forces_spread"} & set(properties)))
        results: dict[str, Any] = dict.fromkeys(("energy", "free_energy"), found.energy.item())
        if found.atomic_energies is not None and self.reference_energies is not None:
            results["energies"] = _array(found.atomic_energies) + self.reference_energies[self.atoms.numbers]
        if found.energy_spread is not None:
            results["energy_spread"] = found.energy_spread.item()
        for name, values in {"forces": found.forces, "forces_spread": found.forces_spread}.items():
            if values is not None:
                results[name] = _array(values)
        require_finite("The molecule", self.atoms.numbers, np.array(results["energy"]), results.get("forces"))
        self.results = results
        if has_moved and not self._has_warned:
            self._warn_of_extrapolation(self.atoms)

    def _batch_at(self, atoms: Atoms) -> Batch:
        """Return the molecule at its positions; what does not change from one call to the next is kept."""
        assert self._batch is not None
        return self._batch.with_positions(torch.from_numpy(atoms.positions).to(self._batch.positions))

    def _look_at(self, atoms: Atoms) -> bool:
        """Refuse a molecule of which nothing sensible can be predicted; return whether its atoms have moved."""
        before = self._looked_at
        same = before is not None and np.array_equal(atoms.numbers, before.numbers) and not atoms.pbc.any()
        if before is not None and same and np.abs(atoms.positions - before.positions).max() < MOVED:
            return False
        require_plausible(atoms, "The molecule")
        if not same:
            batch = batch_of([atoms]).to(self.potential.device)
            batch = batch.with_positions(self.potential.positions(batch.positions))
            # what potentials of any other form find may not outlive a call, such as tensors of torch.func
            self._batch = batch._replace(memory={} if isinstance(self.potential, AtomicPotential) else None)
        self._looked_at = atoms
        return True

    def _warn_of_extrapolation(self, atoms: Atoms) -> None:
        if self.potential.trained_on is None:
            return
        outside = np.flatnonzero(self.potential.trained_on.extrapolation(batch_of([atoms])) > 1)
        if len(outside):
            self._has_warned = True
            warnings.warn(
                f"The environments of {named(atoms.numbers, outside)} are outside of the training set, where energies "
                "and forces are extrapolated. Further ones are not warned of.",
                stacklevel=2,
            )


def _reference_energies(potential: Potential) -> FloatArray | None:
    """Return what energies of molecules hold of each element beside atomic energies: by atomic number, in eV.

    It is found from lone atoms. None where a potential has no atomic energies, or knows no lone atoms.
    """
    lone = [Atoms(symbol) for symbol in potential.elements]
    batch = batch_of(lone).to(potential.device)
    try:
        found = potential(batch.with_positions(potential.positions(batch.positions)))
    except UnknownMoleculeError:
        return None
    if found.atomic_energies is None:
        return None
    table = np.full(len(SYMBOLS), np.nan)
    table[[atoms.numbers[0] for atoms in lone]] = _array(found.energy) - _array(found.atomic_energies)
    return table


def _array(values: torch.Tensor) -> FloatArray:
    array: FloatArray = values.detach().cpu().double().numpy()
    return array
