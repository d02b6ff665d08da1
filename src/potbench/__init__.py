"""potbench trains machine-learned interatomic potentials and compares them under equal conditions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from potbench.inference.calculator import Calculator
    from potbench.inference.load import load

__version__ = "0.1.0"
__all__ = ["Calculator", "__version__", "load"]

# name → module that has it; imported when it is used, since torch takes seconds
_PLACES = {"Calculator": "potbench.inference.calculator", "load": "potbench.inference.load"}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]
