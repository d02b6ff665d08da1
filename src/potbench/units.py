"""Every conversion factor of potbench: inside it is eV and Å, in reports kcal/mol and meV.

Source: CODATA 2018, Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021), doi:10.1103/RevModPhys.93.025010.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HARTREE = 27.211386245988
"""One hartree in eV."""

BOHR = 0.529177210903
"""One bohr in Å."""

KCAL_PER_MOL = HARTREE / 627.5094740631
"""One kcal/mol in eV, per molecule."""

MEV = 1e-3
"""One meV in eV."""

COULOMB = HARTREE * BOHR
"""e²/4πε₀ in eV Å: the energy of two unit charges, times their distance."""

BOLTZMANN = 8.617333262145e-5
"""The Boltzmann constant in eV/K."""

DALTON = 1.66053906660 / 1.602176634 * 100
"""One dalton in eV fs²/Å²: a force in eV/Å over it is an acceleration in Å/fs²."""


def reported(unit: str) -> tuple[str, float]:
    """Return name and conversion factor of the unit used in reports.

    Energies in eV are shown in kcal/mol; another property that stands in their place stays in its own unit.
    """
    return ("kcal/mol", KCAL_PER_MOL) if unit == "eV" else (unit, 1.0)


ENERGY_UNITS: dict[str, float] = {
    "eV": 1.0,
    "meV": MEV,
    "hartree": HARTREE,
    "Ry": HARTREE / 2,
    "kcal/mol": KCAL_PER_MOL,
    "kJ/mol": KCAL_PER_MOL / 4.184,
}
"""Units of energy that files may be in, each in eV."""

LENGTH_UNITS: dict[str, float] = {"Å": 1.0, "bohr": BOHR, "nm": 10.0, "pm": 0.01}
"""Units of length that files may be in, each in Å."""


@dataclass(frozen=True)
class Quantity:
    """A number with its unit.

    Args:
        value: the number; None for one that is not finite, which JSON cannot hold.
        unit: its unit; "1" for none.
    """

    value: float | None
    unit: str

    @classmethod
    def of(cls, value: float, unit: str) -> Quantity:
        """Return a number with its unit; NaN and infinity become None."""
        return cls(float(value) if math.isfinite(value) else None, unit)
