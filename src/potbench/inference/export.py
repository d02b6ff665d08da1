"""Trained potentials as programs that run without potbench."""

from __future__ import annotations

import io
import json
import warnings
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.fx.experimental import _config as symbolic_shapes
from torch.fx.experimental.proxy_tensor import make_fx

from potbench import __version__
from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.potentials.potential import Potential
from potbench.potentials.sgdml import SGDML
from potbench.structures import SYMBOLS
from potbench.whole_file import whole_file

METADATA = "potbench.json"
"""File within the exported one that says what it is."""
NUM_ATOMS = 5
"""Atoms of the molecule by which a program is traced; it takes any number afterwards."""


class _Energy(nn.Module):
    """Energy of one molecule."""

    def __init__(self, potential: Potential) -> None:
        super().__init__()
        self.potential = potential

    def forward(self, atomic_numbers: Tensor, positions: Tensor) -> Tensor:
        num_atoms = positions.shape[0]
        batch = Batch(
            atomic_numbers=atomic_numbers,
            positions=self.potential.positions(positions),
            molecule_index=torch.zeros_like(atomic_numbers),
            atoms_per_molecule=atomic_numbers.new_full((1,), num_atoms),
            frame=atomic_numbers.new_zeros(1),
            energy=positions.new_zeros(1),
            forces=None,
            atoms_per_element={},
            largest_molecule=num_atoms,
            num_pairs=num_atoms * (num_atoms - 1) // 2,
        )
        return self.potential.energies(batch).energy.squeeze(0)


def traced(potential: Potential) -> torch.export.ExportedProgram:
    """Trace energy and forces of one molecule.

    The program takes atomic_numbers, shape (atoms,), int64, and positions, shape (atoms, 3), in Å, float64. It returns
    the energy, shape (), in eV, and the forces, shape (atoms, 3), in eV/Å, both float64, computed in the precision of
    the weights. Derivatives are part of it, so that nothing is differentiated when it runs. It lists all pairs of
    atoms, those beyond a cutoff included, since its shapes must not depend on positions. There may be any number of
    atoms from two up, in any order; a potential of one molecule takes that one alone. It raises RuntimeError for atoms
    that the potential does not know.

    Args:
        potential: on the CPU, in evaluation mode.

    Raises:
        SettingError: a part of the potential cannot be traced.
    """
    potential = deepcopy(potential).requires_grad_(False)
    of_one_molecule = potential.atomic_numbers if isinstance(potential, SGDML) else None
    elements = torch.tensor([SYMBOLS.index(symbol) for symbol in potential.elements])
    # a copy: a tensor that is both an input and a constant would be traced as the input
    example = elements.repeat(NUM_ATOMS)[:NUM_ATOMS] if of_one_molecule is None else of_one_molecule.clone()
    inputs = example, torch.randn(len(example), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    atoms = torch.export.Dim("atoms", min=2)
    shapes = ({0: atoms}, {0: atoms}) if of_one_molecule is None else None

    def export(module: nn.Module) -> torch.export.ExportedProgram:
        # asserts take the place of conditions that torch cannot prove for every number of atoms
        return torch.export.export(
            module, inputs, dynamic_shapes=shapes, strict=False, prefer_deferred_runtime_asserts_over_guards=True
        )

    def with_forces(atomic_numbers: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        if of_one_molecule is None:
            known = potential.get_buffer("element_of_number")[atomic_numbers.clamp(0, len(SYMBOLS) - 1)] >= 0
            expected = f"elements among {', '.join(potential.elements)}"
        else:
            known = atomic_numbers == of_one_molecule
            expected = f"the atomic numbers {of_one_molecule.tolist()}, in this order"
        torch._assert_async(known.all(), f"The potential does not know these atoms. Expected {expected}.")
        positions = positions.detach().requires_grad_()
        with torch.enable_grad():
            energy = energy_alone(atomic_numbers, positions)
            (gradient,) = torch.autograd.grad(energy, positions)
        return energy.detach(), -gradient

    try:
        with _any_size(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            energy_alone = export(_Energy(potential)).module()
            return export(make_fx(with_forces, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*inputs))
    except Exception as error:  # torch has many, of which none is the base of all
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise SettingError(
            traced,
            "potential",
            type(potential).__name__,
            "one whose parts compute with tensors whose shapes do not depend on values",
            f"The {type(potential).__name__} cannot be exported ({' '.join(reason[:2])})",
        ) from error


def _any_size() -> AbstractContextManager[None]:
    """Let one pair be like several; otherwise torch would refuse two atoms."""
    patch: AbstractContextManager[None] = symbolic_shapes.patch(backed_size_oblivious=True)
    return patch


def save(program: torch.export.ExportedProgram, potential: Potential, file: Path, checkpoint_sha256: str) -> None:
    """Write a program, and what it is of, as `torch.export.load` reads it.

    Args:
        program: from `traced`.
        potential: what it was traced from.
        file: to write.
        checkpoint_sha256: of the checkpoint of the potential.

    Raises:
        OSError: nothing can be written there.
    """
    cutoff = getattr(potential, "cutoff", None)
    precision = str(potential.positions(torch.zeros(0)).dtype).removeprefix("torch.")
    content = {
        "potbench": __version__,
        "torch": torch.__version__,
        "potential": type(potential).__name__,
        "checkpoint_sha256": checkpoint_sha256,
        "elements": potential.elements,
        "atomic_numbers": potential.atomic_numbers.tolist() if isinstance(potential, SGDML) else None,
        "fewest_atoms": 2,
        "cutoff": cutoff,
        "precision": precision,
        "inputs": {"atomic_numbers": "(atoms,) int64", "positions": "(atoms, 3) float64"},
        "outputs": {"energy": "() float64", "forces": "(atoms, 3) float64"},
        "units": {"positions": "Å", "cutoff": "Å", "energy": "eV", "forces": "eV/Å"},
    }
    # torch ends the whole program where it cannot write to a disk
    written = io.BytesIO()
    torch.export.save(program, written, extra_files={METADATA: json.dumps(content, ensure_ascii=False)})
    with whole_file(file) as partial:
        partial.write_bytes(written.getbuffer())
