"""The schema of each kind of file: a config, a block of one, a study and a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from typing_extensions import override

from potbench.loading import AtomsDataModule
from potbench.potentials import Potential
from potbench.readouts import Readout
from potbench.representations import Representation
from potbench.schemas.arguments import Argument
from potbench.schemas.dotted import dotted
from potbench.schemas.types import ARGUMENTS, CLASS, FILE, Schema, Schemas, any_of, object_of
from potbench.studies.searches.search import SearchFile
from potbench.studies.study import Study
from potbench.training import EnergyForcesLoss, Task

Kind = Literal["fit", "data", "potential", "trainer", "study", "search"]

GIVEN = {Potential: 1}  # the elements, which are those of the data
APART = (Potential, Representation, Readout, Task, EnergyForcesLoss)

BLOCKS: dict[Kind, type[Any]] = {"data": AtomsDataModule, "potential": Potential}
WRITTEN: dict[Kind, type[Any]] = {"study": Study, "search": SearchFile}

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest one that editors know whole."""

FILES: Schema = any_of([FILE, {"type": "array", "items": FILE}])
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
RANGE: Schema = {
    "anyOf": [
        object_of({"choice": {"type": "array", "minItems": 2}}),
        object_of({"float": object_of({"low": NUMBER, "high": NUMBER, "log": {"type": "boolean"}})}),
        object_of({"int": object_of({"low": INTEGER, "high": INTEGER, "step": INTEGER, "log": {"type": "boolean"}})}),
    ]
}
SETTINGS: Schema = {"$ref": "#/definitions/settings"}
SPACE: Schema = {
    "type": "object",
    "propertyNames": {"$ref": "#/definitions/names"},
    "additionalProperties": RANGE,
}


class _Written(Schemas):
    """Schemas of study and search files, in which some fields hold settings of configs."""

    @override
    def described(self, argument: Argument) -> Schema:
        special = {"set": SETTINGS, "space": SPACE, "training": FILES}
        if argument.name not in special:
            return super().described(argument)
        return {"anyOf": [special[argument.name]], "description": argument.description}


def schema(kind: Kind, settings: Sequence[Argument], classes: Mapping[str, type[Any]]) -> Schema:
    """Return the JSON Schema of a kind of file.

    Args:
        kind: of file.
        settings: what the parser of a config knows, by dotted keys.
        classes: path → class, of all that a config may name and editors shall know.
    """
    schemas = _Written(classes, GIVEN, APART)
    about = {"$schema": DRAFT, "title": f"potbench: {kind}"}
    if kind in BLOCKS:
        found = schemas.of(BLOCKS[kind])
    elif kind == "trainer":
        found = _nested({one.name: schemas.described(one) for one in settings})["trainer"]["anyOf"][0]
    else:
        keys = dotted(schemas, settings)
        names = {one.name for one in settings}
        keys |= _nested({key: each for key, each in keys.items() if key.removesuffix("+") in names})
        schemas.definitions["settings"] = object_of(keys)
        schemas.definitions["names"] = {"enum": list(keys)}
        found = object_of({**keys, "config": FILES}) if kind == "fit" else schemas.of(WRITTEN[kind])
    return {**about, **found, "definitions": _needed(found, schemas.definitions)}


def short_keys(settings: Sequence[Argument], classes: Mapping[str, type[Any]]) -> list[str]:
    """Return all dotted keys of a config, as short as they may be written."""
    keys = dotted(Schemas(classes, GIVEN, APART), settings)
    return [key for key in keys if not {ARGUMENTS, CLASS} & set(key.split(".")) and not key.endswith("+")]


def _nested(keys: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the same settings by the first parts of their names; several within one are an object, or a file of it."""
    found: dict[str, Schema] = {}
    for key, each in keys.items():
        first, dot, rest = key.partition(".")
        if dot:
            found.setdefault(first, any_of([object_of({}), FILE]))["anyOf"][0]["properties"][rest] = each
        else:
            found[key] = each
    return found


def _needed(schema: Schema, definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the definitions that a schema refers to, also through others."""
    needed: dict[str, Schema] = {}
    open_ends: list[object] = [schema]
    while open_ends:
        part = open_ends.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in needed:
                needed[name] = definitions[name]
                open_ends.append(definitions[name])
            open_ends += part.values()
        elif isinstance(part, list):
            open_ends += part
    return needed
