"""Calculators of libraries that need an environment of their own: `python -I rival.py NETWORK THREADS`.

This file runs there, without potbench. It says on the standard output which library it has, and answers each line of
the standard input, a molecule and a number of calls, with the time that a call takes.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

MARK = "potbench: "
"""Before each answer: libraries print as well."""
MOVED = 1e-3
"""Å that an atom moves from one call to the next, so that nothing is cached."""


def time_calls(calculator: Any, molecule: Any, calls: int) -> float:
    """Return CPU milliseconds of a call for forces, and then for the energy, which should be there by then."""
    atoms = molecule.copy()
    atoms.calc = calculator
    began = time.process_time()
    for call in range(calls):
        atoms.positions[0, 0] += MOVED if call % 2 else -MOVED
        atoms.get_forces()
        atoms.get_potential_energy()
    return 1000 * (time.process_time() - began) / calls


def calculator_of(network: str) -> tuple[str, Any]:
    """Return name and version of a library, and its calculator of a network with random weights."""
    if network == "MACE":
        return _mace()
    import graph_pes
    from graph_pes.models import PaiNN, SchNet
    from graph_pes.utils.calculator import GraphPESCalculator

    # the sizes of SchNetPack's configs
    if network == "SchNet":
        model = SchNet(cutoff=5.0, channels=128, layers=6, expansion_features=20)
    else:
        model = PaiNN(cutoff=5.0, channels=128, layers=3, radial_features=20)
    return f"graph-pes {graph_pes.__version__}", GraphPESCalculator(model.eval())


def _mace() -> tuple[str, Any]:
    """Return a MACE of the sizes of MACE-OFF23(S), Kovács et al., doi:10.48550/arXiv.2312.15211."""
    import mace  # before e3nn, whose constants torch would otherwise not load
    import numpy as np
    import torch
    from e3nn import o3
    from mace import modules
    from mace.calculators import MACECalculator

    interaction = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = modules.ScaleShiftMACE(
        atomic_inter_scale=1.0,
        atomic_inter_shift=0.0,
        r_max=4.5,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=3,
        interaction_cls=interaction,
        interaction_cls_first=interaction,
        num_interactions=2,
        num_elements=4,
        hidden_irreps=o3.Irreps("96x0e"),
        MLP_irreps=o3.Irreps("16x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(4),
        avg_num_neighbors=10.0,
        atomic_numbers=[1, 6, 7, 8],
        correlation=3,
    )
    return f"MACE {mace.__version__}", MACECalculator(models=model, device="cpu", default_dtype="float32")


def main(network: str, threads: int) -> None:
    """Answer until the standard input ends."""
    import torch
    from ase import Atoms

    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    library, calculator = calculator_of(network)
    print(MARK + json.dumps(library), flush=True)
    for line in sys.stdin:
        numbers, positions, calls = json.loads(line)
        print(MARK + json.dumps(time_calls(calculator, Atoms(numbers, positions), calls)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
