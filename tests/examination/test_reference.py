from __future__ import annotations

import pytest

from potbench.examination.reference import reference_for


def test_density_functional_theory_is_a_reference_for_small_molecules() -> None:
    pytest.importorskip("pyscf")
    calculator = reference_for("PBE/def2-SVP", 9, patient=True)
    assert (calculator.xc, calculator.basis, calculator.cartesian) == ("PBE", "def2-svp", False)
    assert reference_for("PBE/def2-SVP", 10, patient=True) == (
        "PBE/def2-SVP as a reference takes too long for more than 9 atoms."
    )
