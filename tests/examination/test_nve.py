from __future__ import annotations

import pytest

from potbench.examination.nve import ConstantEnergy
from potbench.potentials.potential import Potential
from tests.examination.moving import SHORT, Collapsing, Pushed, WithKink, subject
from tests.inference.toy import Springs


@pytest.mark.parametrize(
    ("potential", "fails"), [(Springs, set()), (WithKink, {"fluctuation ratio"}), (Pushed, {"drift"})]
)
def test_a_kink_fails_by_how_energy_fluctuates_and_forces_that_are_no_gradient_by_how_it_drifts(
    potential: type[Potential], fails: set[str]
) -> None:
    found = ConstantEnergy().examine(subject(potential), SHORT)
    found_out = {each.quantity for each in found.findings if each.verdict == "FAIL"}
    assert found_out >= fails if fails else not found_out, found.findings
    assert {each.unit for each in found.findings} == {"meV/atom/ps", ""}
    (figure,) = found.figures
    assert [line.label for line in figure.lines] == ["steps of 0.5 fs", "steps of 0.25 fs"]
    assert all(line.x[-1] == pytest.approx(SHORT.nve_time) for line in figure.lines)


def test_energy_that_is_no_number_fails() -> None:
    found = ConstantEnergy().examine(subject(Collapsing), SHORT)
    assert [(each.value, each.verdict) for each in found.findings] == [(None, "FAIL")] * 2
    assert "from which no search goes on" in found.findings[0].note


def test_as_many_molecules_are_computed_as_planned() -> None:
    protocol, computed = ConstantEnergy(), []
    water = subject(Springs)
    water.potential.register_forward_hook(lambda _, given, __: computed.append(len(given[0].atoms_per_molecule)))
    protocol.examine(water, SHORT)
    in_dynamics = [number for number in computed if number == protocol.at_once(SHORT)]
    assert 0 <= protocol.evaluations(water, SHORT) - sum(in_dynamics) <= SHORT.nve_replicas * 60
