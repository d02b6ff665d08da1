from __future__ import annotations

from ase import Atoms

from potbench.examination.harmonic import Harmonic
from potbench.examination.minimum import search
from potbench.examination.protocol import MODES
from potbench.examination.stretch import Stretch
from tests.examination.toys import Morse, subject


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
