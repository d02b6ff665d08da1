"""Density functional theory by PySCF as an ASE calculator."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, SCFError, all_changes
from ase.data import ground_state_magnetic_moments
from typing_extensions import override

from potbench.units import BOHR, HARTREE


class PySCF(Calculator):  # type: ignore[misc]  # ase has no types
    """Energy and forces of a molecule from Kohn-Sham density functional theory.

    The defaults are the level of theory of ANI-1, ωB97X/6-31G(d) with Cartesian d functions: Smith, Isayev, Roitberg,
    Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A. Computed with PySCF: Sun et al., J. Chem. Phys. 153, 024109
    (2020), doi:10.1063/5.0006074.

    The charge is the sum of the initial charges of the atoms. The number of unpaired electrons is the sum of the
    initial magnetic moments; where none are set it is that of the ground state for a single atom, and as few as
    possible for a molecule. Each calculation starts from the same guess, so no result depends on the one before.

    Args:
        xc: exchange-correlation functional, as libxc names it.
        basis: basis set.
        cartesian: six d functions in a shell rather than five.
        density_fit: Coulomb and exchange integrals by density fitting.
        grid_level: fineness of the integration grid, 0 to 9.
        tolerance: change of the energy, in hartree, below which it is converged.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(
        self,
        xc: str = "wB97X",
        basis: str = "6-31G(d)",
        cartesian: bool = True,
        density_fit: bool = True,
        grid_level: int = 3,
        tolerance: float = 1e-9,
    ) -> None:
        super().__init__()
        self.xc = xc
        self.basis = basis
        self.cartesian = cartesian
        self.density_fit = density_fit
        self.grid_level = grid_level
        self.tolerance = tolerance

    @property
    def theory(self) -> str:
        """Level of theory as the field writes it."""
        functions = "Cartesian" if self.cartesian else "spherical"
        fitting = ", density fitting" if self.density_fit else ""
        return f"{self.xc.replace('wB97', 'ωB97')}/{self.basis}, {functions} d functions{fitting}"

    @override
    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Fill `results` with the energy in eV and, where asked for, the forces of shape (atoms, 3) in eV/Å.

        Raises:
            SCFError: the energy does not converge.
        """
        from pyscf import dft, gto

        super().calculate(atoms, properties, system_changes)
        molecule = gto.M(
            atom=list(zip(self.atoms.get_chemical_symbols(), self.atoms.positions / BOHR, strict=True)),
            unit="Bohr",  # PySCF's own factor from Å is of another CODATA year
            basis=self.basis,
            cart=self.cartesian,
            charge=round(self.atoms.get_initial_charges().sum()),
            spin=unpaired_electrons(self.atoms),
            verbose=0,
        )
        method = dft.RKS(molecule, xc=self.xc) if molecule.spin == 0 else dft.UKS(molecule, xc=self.xc)
        if self.density_fit:
            method = method.density_fit()
        method.grids.level = self.grid_level
        method.conv_tol = self.tolerance
        energy = method.kernel()
        if not method.converged:
            raise SCFError(f"The energy of {self.atoms.get_chemical_formula()} did not converge.")
        self.results["energy"] = float(energy) * HARTREE
        if properties is None or "forces" in properties:
            gradient = method.nuc_grad_method()
            # with the response of the grid, which moves with the atoms, forces are the exact gradient and sum to zero
            gradient.grid_response = True
            self.results["forces"] = -np.asarray(gradient.kernel(), np.float64) * (HARTREE / BOHR)


def unpaired_electrons(atoms: Atoms) -> int:
    """Return the number of unpaired electrons: of the magnetic moments, of an atom's ground state, or the fewest."""
    given = round(abs(atoms.get_initial_magnetic_moments().sum()))
    if given:
        return int(given)
    if len(atoms) == 1:
        return int(ground_state_magnetic_moments[atoms.numbers[0]])
    return int((atoms.numbers.sum() - round(atoms.get_initial_charges().sum())) % 2)
