"""The arguments of a class, as its signature and its docstring have them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any, cast, get_type_hints

import docstring_parser


@dataclass(frozen=True)
class Argument:
    """What can be set.

    Args:
        name: of the argument; dotted where it is one of an object that has no class to choose.
        hint: its type.
        description: what a docstring says of it.
        default: inspect.Parameter.empty where there is none.
    """

    name: str
    hint: Any
    description: str = ""
    default: object = inspect.Parameter.empty


def arguments_of(kind: type[Any], left_out: int = 0) -> tuple[list[Argument], bool]:
    """Return the arguments of a class, and whether it takes others too.

    Args:
        kind: the class.
        left_out: how many of the first are given by the program.
    """
    found: dict[str, Argument] = {}
    takes_others = True
    for each in kind.__mro__:
        if "__init__" not in vars(each) or each is object:
            continue
        initialize = cast(Callable[..., None], vars(each)["__init__"])
        parameters = list(inspect.signature(initialize).parameters.values())[1:]
        hints, said = _hints(initialize), descriptions(each)
        for one in parameters:
            if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY} and one.name not in found:
                found[one.name] = Argument(one.name, hints.get(one.name, Any), said.get(one.name, ""), one.default)
        takes_others = any(one.kind is one.VAR_KEYWORD for one in parameters)
        if not takes_others:
            break  # else what is left goes to the class above
    else:
        takes_others = takes_others and bool(found)
    return list(found.values())[left_out:], takes_others


def summary(documented: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def descriptions(documented: object) -> dict[str, str]:
    """Return argument → what a docstring says of it."""
    text = inspect.getdoc(documented) or ""
    if inspect.isclass(documented):
        text += f"\n\n{inspect.getdoc(documented.__init__) or ''}" if "Args:" not in text else ""
    parsed = docstring_parser.parse(text)
    return {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}


def fields_of(kind: type[Any]) -> Iterator[Argument]:
    """Yield the fields of a dataclass."""
    hints = get_type_hints(kind)
    said = {name: text for each in reversed(kind.__mro__) for name, text in descriptions(each).items()}
    for each in fields(kind):
        has_none = each.default is MISSING and each.default_factory is MISSING
        default = inspect.Parameter.empty if has_none else each.default
        yield Argument(each.name, hints[each.name], said.get(each.name, ""), default)


def _hints(function: Callable[..., None]) -> dict[str, Any]:
    """Return argument → type; nothing of a function whose types cannot be found out."""
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}
