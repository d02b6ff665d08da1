"""python -m potbench schema."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from potbench.schemas.arguments import Argument

ACTIVATIONS_AND_LOSSES = ("torch.nn.modules.activation", "torch.nn.modules.loss")


def schema(kind: Literal["fit", "data", "potential", "trainer", "study", "search"]) -> None:
    """Print the JSON Schema of a kind of file, by which editors complete it and mark wrong keys.

    Args:
        kind: fit (a config), data, potential or trainer (a block of one), study or search.
    """
    from potbench.schemas import files

    print(json.dumps(files.schema(kind, settings(), classes()), ensure_ascii=False))


def settings() -> list[Argument]:
    """Return what a config of fit may say."""
    from potbench.cli.config_of_fit import parser_of
    from potbench.schemas.arguments import Argument

    actions = parser_of("fit")._actions
    typed = [one for one in actions if hasattr(one, "_typehint") and not one.dest.endswith(".help")]
    return [Argument(one.dest, one._typehint, (one.help or "").partition("\n")[0], one.default) for one in typed]


def classes() -> dict[str, type[Any]]:
    """Return path → class, of all that configs name."""
    from potbench.cli.known import LIBRARIES, ROOMS

    public = {name: name for name in (*(f"potbench.{room}" for room in ("dashboards", *ROOMS)), *LIBRARIES[1:])}
    public |= dict.fromkeys(ACTIVATIONS_AND_LOSSES, "torch.nn")  # other layers are no settings
    found: dict[str, Any] = {}
    for name, called in public.items():
        module = importlib.import_module(name)
        found |= {f"{called}.{each}": getattr(module, each) for each in getattr(module, "__all__", dir(module))}
    return {path: kind for path, kind in found.items() if inspect.isclass(kind)}
