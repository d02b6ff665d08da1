"""What decides the frames of a generated dataset."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.errors import MissingPackageError, RecordError, SettingError, require_positive
from potbench.whole_file import write_text

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

PYSCF = "potbench.generation.pyscf_calculator.PySCF"
FORMER_PYSCF = "potbench.datasets.pyscf_calculator.PySCF"
"""Class path of the same calculator in version 0.1."""
EXTRAS = {"pyscf": "generate", "tblite": "xtb"}
"""Package → potbench's extra that installs it."""


@dataclass(frozen=True)
class Recipe:
    """All that decides frame i of a molecule besides its name and first geometry; work is resumed only with the same.

    Args:
        calculator: class path of the ASE calculator.
        calculator_arguments: its keyword arguments.
        theory: level of theory of the labels, as the field writes it.
        temperature: temperature of the normal-mode sampling, in K.
        seed: seed of the random numbers.
    """

    calculator: str
    calculator_arguments: dict[str, Any]
    theory: str
    temperature: float
    seed: int

    def __post_init__(self) -> None:
        require_positive(self, temperature=self.temperature)
        if self.seed < 0:
            raise SettingError(self, "seed", self.seed, "0 or more")
        if self.calculator == FORMER_PYSCF:
            object.__setattr__(self, "calculator", PYSCF)

    @classmethod
    def of(
        cls, calculator: str, calculator_arguments: dict[str, Any], theory: str | None, temperature: float, seed: int
    ) -> Recipe:
        """Return a recipe whose calculator can be made.

        Args:
            calculator: class path of the ASE calculator.
            calculator_arguments: its keyword arguments.
            theory: level of theory; None for what the calculator states, or else its class path and arguments.
            temperature: temperature of the sampling, in K.
            seed: seed of the random numbers.

        Raises:
            SettingError: the calculator cannot be imported or made, or a number is impossible.
            MissingPackageError: a package of potbench's extras is not installed.
        """
        recipe = cls(calculator, calculator_arguments, theory or "", temperature, seed)
        try:
            if recipe.calculator == PYSCF:
                importlib.import_module("pyscf")
            made = recipe.make_calculator()
        except ModuleNotFoundError as error:
            package = str(error.name).partition(".")[0]
            if package in EXTRAS:
                raise MissingPackageError(package, f"The calculator {calculator} needs", EXTRAS[package]) from error
            problem = f"The calculator {calculator} needs the module {error.name}, which is not installed"
            raise SettingError(cls, "calculator", calculator, "an importable class", problem) from error
        except (AttributeError, ValueError) as error:
            problem = f"The calculator {calculator!r} cannot be found or made ({error})"
            expected = "the path of a class, such as ase.calculators.emt.EMT"
            raise SettingError(cls, "calculator", calculator, expected, problem) from error
        except TypeError as error:
            problem = f"The calculator {calculator} does not take {calculator_arguments} ({error})"
            expected = "its keyword arguments"
            raise SettingError(cls, "calculator_arguments", calculator_arguments, expected, problem) from error
        arguments = f" {json.dumps(calculator_arguments)}" if calculator_arguments else ""
        theory = theory or getattr(made, "theory", calculator + arguments)
        return cls(calculator, calculator_arguments, str(theory), temperature, seed)

    def make_calculator(self) -> Calculator:
        """Return a new calculator; one for each frame, so that no result depends on the frame before."""
        module, _, name = self.calculator.rpartition(".")
        kind = getattr(importlib.import_module(module), name)
        # tblite prints the iterations of each frame, unless told not to
        quiet = {"verbosity": 0} if "verbosity" in getattr(kind, "default_parameters", {}) else {}
        return kind(**{**quiet, **self.calculator_arguments})

    def differences(self, other: Recipe) -> list[str]:
        """Return what differs in another recipe, as text, each in a sentence without its period."""
        was, now = (json.loads(json.dumps(asdict(recipe))) for recipe in (self, other))
        return [f"{key} was {was[key]!r}, now {now[key]!r}" for key in now if was[key] != now[key]]

    def save(self, file: Path) -> None:
        """Write a JSON file."""
        write_text(file, json.dumps(asdict(self), ensure_ascii=False, indent=2))

    @classmethod
    def load(cls, file: Path) -> Recipe:
        """Read what `save` wrote, in this version or an earlier one.

        Raises:
            RecordError: the file is damaged.
        """
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise RecordError(
                f"{file} is damaged ({error}). Expected the settings of unfinished work; delete its folder."
            ) from error
