from __future__ import annotations

from ase import Atoms

from potbench.examination.harmonic import Harmonic
from potbench.examination.minimum import minimum, search
from potbench.examination.nve import ConstantEnergy
from potbench.examination.protocol import MODES
from potbench.examination.stretch import Stretch
from tests.examination.toys import Morse, subject


class Repelling(Morse):
    """Its bond is longer than the molecule's by far."""

    length = 2.0


def test_a_minimum_of_another_molecule_is_none() -> None:
    apart = subject(Repelling(["H"]), Atoms("H2", [[0, 0, 0], [0, 0, 0.75]]))
    start, found = minimum(apart, "stretch")
    assert start is None
    assert found.verdict == "FAIL"
    assert "of lowest energy it is another molecule: H–H (0, 1) is gone." in found.note
    assert {finding.verdict for finding in Stretch().examine(apart, MODES["dev"]).findings} == {"FAIL"}
    drift, _ = ConstantEnergy().examine(apart, MODES["dev"]).findings
    assert drift.note.endswith("They start at a minimum of another molecule: H–H (0, 1) is gone.")


def test_protocols_share_a_search_and_others_have_their_own() -> None:
    potential = Morse(["H"])
    hydrogen = subject(potential, Atoms("H2", [[0, 0, 0], [0, 0, 0.9]]))
    calls: list[int] = []
    hydrogen.potential.register_forward_hook(lambda *_: calls.append(1))
    first = search(hydrogen, 0, 0.001)
    after_first = len(calls)
    assert after_first > 1
    assert search(hydrogen, 0, 0.001) is first
    assert len(calls) == after_first
    assert search(hydrogen, 0, 0.01) is not first
    searched = len(hydrogen.searched)
    for protocol in (Harmonic(), Stretch()):
        protocol.examine(hydrogen, MODES["dev"])
    assert len(hydrogen.searched) == searched
