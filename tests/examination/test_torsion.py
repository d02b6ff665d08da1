from __future__ import annotations

import math

import pytest
import torch
from ase.build import molecule

from potbench.batch import Batch, Prediction
from potbench.examination.protocol import MODES
from potbench.examination.torsion import Torsion
from tests.examination.findings import of, verdicts
from tests.examination.toys import Ethane, subject

ETHANE = molecule("C2H6")


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_threefold_barrier_is_found(mode) -> None:
    found = Torsion().examine(subject(Ethane(ETHANE), ETHANE), mode)
    barrier = of(found, "barrier around C–C (0, 1)")
    assert barrier.value == pytest.approx(Ethane.barrier, rel=1e-6)
    assert (barrier.verdict, barrier.limit, barrier.unit) == ("", None, "eV")
    assert {verdict for quantity, verdict in verdicts(found).items() if "barrier" not in quantity} == {"pass"}
    (line,) = found.figures[0].lines
    assert line.x[1] == pytest.approx(360 / mode.scan_points)
    expected = [Ethane.barrier / 2 * (1 - math.cos(math.radians(3 * x))) for x in line.x]
    assert line.y == pytest.approx(expected, abs=1e-5)


class Jumping(Ethane):
    """The torque jumps by 0.1 sin φ eV/rad where cos φ is 0.3."""

    def energies(self, batch: Batch) -> Prediction:
        found = super().energies(batch)
        x = batch.positions.view(-1, self.num_atoms, 3)
        axis = torch.nn.functional.normalize(x[:, 1] - x[:, 0], dim=1)
        one, other = torch.linalg.cross(axis, x[:, 2] - x[:, 0]), torch.linalg.cross(axis, x[:, 5] - x[:, 1])
        cosine = torch.nn.functional.cosine_similarity(one, other)
        return found._replace(energy=found.energy + 0.1 * (cosine - 0.3).clamp(min=0))


class Unconservative(Ethane):
    """Forces beside the minimum are 5 % too large."""

    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        found = super().forward(batch, forces)
        return found if found.forces is None else found._replace(forces=1.05 * found.forces)


@pytest.mark.parametrize(
    ("potential", "failing"),
    [(Jumping, ["largest jump of a torque"]), (Unconservative, ["largest |torque + dE/dφ|"])],
)
def test_what_is_wrong_with_a_potential_is_what_fails(potential: type[Ethane], failing: list[str]) -> None:
    found = Torsion().examine(subject(potential(ETHANE), ETHANE), MODES["fast"])
    assert [quantity for quantity, verdict in verdicts(found).items() if verdict == "FAIL"] == failing
    if potential is Jumping:
        assert of(found, "jump").value == pytest.approx(0.1 * math.sqrt(1 - 0.3**2), rel=0.01)


def test_methane_has_nothing_to_rotate() -> None:
    methane = molecule("CH4")
    (found,) = Torsion().examine(subject(Ethane(methane), methane), MODES["dev"]).findings
    assert found.verdict == "refused"
    assert found.note == "The molecule has no bond around which one side could be rotated."
