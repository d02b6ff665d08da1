"""Every conversion factor of potbench: inside it is eV and Å, in reports kcal/mol and meV.

Source: CODATA 2018, Tiesinga et al., Rev. Mod. Phys. 93, 025010 (2021), doi:10.1103/RevModPhys.93.025010.
"""

HARTREE = 27.211386245988
"""One hartree in eV."""

BOHR = 0.529177210903
"""One bohr in Å."""

KCAL_PER_MOL = HARTREE / 627.5094740631
"""One kcal/mol in eV, per molecule."""

MEV = 1e-3
"""One meV in eV."""

BOLTZMANN = 8.617333262145e-5
"""The Boltzmann constant in eV/K."""


def reported(unit: str) -> tuple[str, float]:
    """The unit in which reports show what a store keeps in a unit: its name, and its size in that unit.

    Energies, kept in eV, are shown in kcal/mol; anything else that a dataset has in their place stays as it is.
    """
    return ("kcal/mol", KCAL_PER_MOL) if unit == "eV" else (unit, 1.0)


ENERGY_UNITS: dict[str, float] = {
    "eV": 1.0,
    "meV": MEV,
    "hartree": HARTREE,
    "kcal/mol": KCAL_PER_MOL,
    "kJ/mol": KCAL_PER_MOL / 4.184,
}
"""Units of energy that files may be in, each in eV."""

LENGTH_UNITS: dict[str, float] = {"Å": 1.0, "bohr": BOHR, "nm": 10.0}
"""Units of length that files may be in, each in Å."""
