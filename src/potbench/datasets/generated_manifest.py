"""Manifest of a generated dataset: what it holds and how it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from potbench.errors import DataFileError

FORMER_NAMES = {"licence": "license", "isolated_atoms": "isolated_atom_energies"}
"""Name of a value in files of version 0.1 → its name now."""


@dataclass(frozen=True)
class GeneratedMolecule:
    """Facts about one molecule of a generated dataset.

    Args:
        frames: number of frames.
        redrawn_atoms_too_close: how often a frame was drawn again because atoms were too close.
        redrawn_not_converged: how often a frame was drawn again because it could not be computed.
        seconds: computing time.
    """

    frames: int
    redrawn_atoms_too_close: int = 0
    redrawn_not_converged: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class GeneratedManifest:
    """What a generated dataset holds and how it was made.

    Args:
        theory: level of theory of the labels.
        license: license of the dataset.
        citation: how to cite it.
        molecules: name → facts, in the order in which they were made.
        isolated_atom_energies: chemical symbol → energy of the free atom in eV; None where it could not be computed.
        num_frames: number of frames of all molecules together.
        command: command that made the file.
        date: date and time of the end of the work, ISO 8601.
        versions: package → version.
        calculator: class path of the ASE calculator.
        calculator_arguments: its keyword arguments.
        sampling: method by which the conformers were drawn.
        temperature: temperature of the sampling, in K.
        seed: seed of the random numbers.
        units: array → unit.
    """

    theory: str
    license: str
    citation: str
    molecules: dict[str, GeneratedMolecule]
    isolated_atom_energies: dict[str, float | None] = field(default_factory=dict)
    num_frames: int = 0
    command: str = "not stated"
    date: str = "not stated"
    versions: dict[str, str] = field(default_factory=dict)
    calculator: str = "not stated"
    calculator_arguments: dict[str, Any] = field(default_factory=dict)
    sampling: str = "normal modes, doi:10.1039/C6SC05720A"
    temperature: float = 0.0
    seed: int = 0
    units: dict[str, str] = field(default_factory=lambda: {"energy": "eV", "positions": "Å", "forces": "eV/Å"})

    def to_json(self) -> str:
        """Return the manifest as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, file: Path) -> GeneratedManifest:
        """Read JSON text, also that of earlier versions.

        Args:
            text: JSON text.
            file: file that holds it, for messages.

        Raises:
            DataFileError: the text is no JSON, or a value is missing or has the wrong type.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            found = json.loads(text)
            if isinstance(found, dict):
                found = {FORMER_NAMES.get(name, name): value for name, value in found.items()}
            return TypeAdapter(cls).validate_python(found)
        except (TypeError, ValueError) as error:
            wrong = (
                {str(cause["loc"][0]) for cause in error.errors() if cause["loc"]}
                if isinstance(error, ValidationError)
                else set()
            )
            raise DataFileError(
                f"{file} has no manifest that states its {', '.join(sorted(wrong)) or 'theory'}. Expected a file made "
                "by `python -m potbench data generate`; choose the dataset class that reads this kind of file."
            ) from error
