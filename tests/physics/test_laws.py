"""Every law, held against every architecture."""

import pytest

from potbench.laws import LAWS


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.function.__name__)
def test_a_potential_obeys(law, potential, molecules):
    violation = law.function(potential, molecules)
    assert violation <= law.tolerance, f"{violation:.2e} {law.unit}: {law.function.__doc__}"
