"""What jsonargparse says is wrong → a paragraph: which setting, what was expected, what may be meant."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from potbench.cli import known
from potbench.errors import PotbenchError, did_you_mean

if TYPE_CHECKING:
    from potbench.cli.parsing import Parser

KEY = re.compile(r'Parser key "([^"]+)"')
OWNER = re.compile(r"class_path '([\w.]+)'")
GIVEN = re.compile(r"class_path='([\w.]+)'")
VALUE = re.compile(r"(?:Given|Got) value: (.*?)(?:\. Got value: .*)?$", re.DOTALL)
UNION = re.compile(r"Subtypes: \[(.*)\]$", re.MULTILINE)
TYPE = re.compile(r"Expected an? (<class.*?>|typing.*?\])(?:\. Got value|$)", re.MULTILINE)
NO_CLASS = re.compile(r"(?:import path string: |has no attribute |No module named |a path but )'?([\w.]+)")
COMMA = re.compile(r", (?=(?:[^\[\]]|\[(?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*\])*$)")
NAMES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "null",
    "None": "null",
    "str": "text",
    "list": "a list",
    "dict": "a mapping",
    "Path": "a path",
    "list[int]": "a list of whole numbers",
    "list[str]": "a list of texts",
}
LONGEST_VALUE = 120
BLOCK = "the_block"
"""What a block is called while it is read alone."""
PLAIN = {"int", "float", "str"}


class Trail(NamedTuple):
    """Where a message points to.

    Attributes:
        path: key path of the innermost setting, as it is in a config; empty where it is about none.
        text: what is said of it.
    """

    path: str
    text: str


def explain(message: str, parser: Parser) -> str:
    """Return a message of jsonargparse in other words; one that is not known here is passed on as it is."""
    whole = known.whole_config_as_block(parser.args)
    if whole:
        flag, file = whole
        return f"{flag} is {file}, which has settings beside one block. Give it as --config {file}."
    trail = follow(message)
    for pattern, say in READERS.items():
        found = re.search(pattern, trail.text, re.DOTALL)
        said = found and say(found, trail, parser)
        if said:
            return said
    place = parser.place(trail.path) or trail.path or "The command line"
    return f"{place} cannot be read ({' '.join(trail.text.split())}). {parser.usage_hint}"


def follow(message: str) -> Trail:
    """Follow a message along nested settings to the innermost."""
    keys: list[str] = []
    depth, start = -1, 0
    for match in KEY.finditer(message):
        line = message[message.rfind("\n", 0, match.start()) + 1 : match.start()]
        indent = len(line) - len(line.lstrip(" -"))
        if "Unable to load config" in message[start : match.start()]:
            break
        if indent > depth and match[1] != "config":
            keys.append(match[1])
            depth, start = indent, match.end()
    # what is less indented is said of a setting around it
    outside = re.search(rf"\n {{0,{depth - 1}}}[^ \n]", message[start:]) if depth > 0 else None
    text = message[start : start + outside.start()] if outside else message[start:]
    return Trail(".init_args.".join(keys), text.strip(" :\n"))


def unknown_key(message: str, parser: Parser) -> str | None:
    """Return what a class inside a config says of a key that it does not know, with those it knows; else None."""
    found = re.match(UNKNOWN, message)
    return found and f"Option '{_name(found)}' is not accepted. Known: {', '.join(known.own_settings(parser))}"


def _config(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    named = [file for file in known.config_files(parser.args) if not isinstance(known.content(file), dict)]
    why = " ".join((found[1] or "it holds no settings").replace('in "<unicode string>", ', "").split())
    return f"{named[0] if named else 'A config'} is no config: {why}. Expected YAML, as in configs/quickstart.yaml."


def _no_config(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    state = "is no file" if Path(found[1]).exists() else "does not exist"
    near = _file_like(Path(found[1]))
    return f"The config {found[1]} {state}.{near} Expected a file, such as configs/quickstart.yaml. Change --config."


def _no_value(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    pairs = zip_longest(parser.args, parser.args[1:], fillvalue="-")
    flags = [flag for flag, value in pairs if flag.startswith(f"--{found[1]}") and value.startswith("-")]
    return f"{flags[0] if flags else found[1]} has no value. Expected one behind it."


def _missing(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    required, _, given = found[1].partition(". Got value:")  # where an object is made later, by what it is given to
    name = required.split(",")[0].strip()
    if name == "schedulers" or trail.path.endswith(".schedulers"):
        schedule = trail.path.removesuffix(".init_args.schedulers")
        return f"{schedule} is made of other schedules, which a config cannot name. Expected one. Change {schedule}."
    if trail.path:
        owner = known.find((GIVEN.findall(given)[:1] or OWNER.findall(trail.text[: found.start()]) or [""])[-1])
        hint = known.hints(owner).get(name)
        expected = in_yaml([str(hint)]) if hint else "a value, or a class that needs none"
        return f"{trail.path}.init_args.{name} is missing. Expected {expected}."
    command, _, block = name.partition(".")
    if block:
        blocks = " and ".join(found[1].replace(f"{command}.", "").split(", "))
        return (
            f"There is nothing to {command}: no {blocks}. Expected --config FILE, such as configs/quickstart.yaml, or "
            f"the folder of a run: {command} RUN."
        )
    action = next(action for action in parser._actions if action.dest == name)
    choices = _choices(str(getattr(action, "_typehint", "")))
    expected = f"one of {', '.join(choices)}" if choices else str(action.help).strip(" .")
    return f"{parser.place(name)} is missing. Expected: {expected}."


def _unknown(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    key = _name(found)
    if trail.path:
        there = re.split(r"\.? Got value|\n", trail.text.partition("Known: ")[2])[0]
        if not there:
            chosen = (OWNER.findall(trail.text[: found.start()]) or [""])[-1].rpartition(".")[2]
            return (
                f"There is no setting {trail.path}.init_args.{key}: {chosen or 'what is chosen there'} has none. "
                f"Expected another class, or its config before this setting. Change {trail.path}."
            )
        near = did_you_mean(key, there.split(", "))
        return f"There is no setting {trail.path}.init_args.{key}.{near} Expected one of {there}."
    for file in known.config_files(parser.args):
        block = known.content(file)
        if key.startswith(("class_path", "init_args")) and isinstance(block, dict) and "class_path" in block:
            as_flag = known.key_for(str(block["class_path"]), parser)
            instead = f" Give it as --{as_flag} {file}." if as_flag else ""
            return f"{file} describes {block['class_path']} alone. Expected a whole config behind --config.{instead}"
    settings = known.settings(parser)
    alike = [name for name in settings if name.startswith(key) or name.rpartition(".")[2] == key]
    written = [parser.written(name) for name in alike[:1] or settings]
    near = did_you_mean(written[0] if alike else parser.written(key), written)
    return f"There is no {parser.noun} {parser.written(key)}.{near} {parser.usage_hint}"


def _no_file(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    state = "cannot be read as a block of a config" if Path(found[1]).is_file() else "does not exist"
    near = _file_like(Path(found[1]))
    return f"{trail.path} is {found[1]}, which {state}.{near} Expected a config file. Change {trail.path}."


def _file_like(file: Path) -> str:
    """Return a hint at the config beside one that is not there whose name is nearest."""
    return "" if file.exists() else did_you_mean(file.stem, (other.stem for other in file.parent.glob("*.yaml")))


def _within_block(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    """Say what is wrong in the file of a block, of which jsonargparse says alone that it was read twice."""
    from potbench.cli.parsing import ConfigParser

    block = known.content(Path(found[1]))
    kind = known.find(str(block.get("class_path"))) if isinstance(block, dict) else None
    if isinstance(kind, type):
        alone = ConfigParser()
        # elements are those of the data
        alone.add_subclass_arguments(kind, BLOCK, skip={"elements"})
        try:
            alone.parse_object({BLOCK: block})
        except PotbenchError as error:
            return str(error).replace(BLOCK, trail.path)
        key = known.key_for(f"{kind.__module__}.{kind.__name__}", parser)
        if key and key != trail.path.replace(".init_args", ""):
            return f"{trail.path} is {found[1]}, which describes {kind.__name__}. Give it as --{key} {found[1]}."
    return f"{found[1]} is named in {found[1]}, of which it is a part. Expected another file. Change {trail.path}."


def _wrong_kind(found: re.Match[str], trail: Trail, parser: Parser) -> str:
    given = found[1] or _value(trail.text)
    key = known.key_for(given, parser)
    near = f" Did you mean --{key}?" if key and key != trail.path else ""
    return f"{trail.path} is {given}, expected {in_yaml([found[2]])}.{near} Change {trail.path}."


def _wrong_value(found: re.Match[str], trail: Trail, parser: Parser) -> str | None:
    value, place = _value(trail.text), parser.place(trail.path) or trail.path
    union = UNION.search(trail.text)
    kinds = [_bare(kind) for kind in (COMMA.split(union[1]) if union else TYPE.findall(trail.text))]
    plain = [kind for kind in kinds if kind in PLAIN or _choices(kind)]
    deeper = re.match(r"NestedArg\(key='([\w.]+)'", value)
    if deeper:
        return f"There is no setting {place}.{deeper[1]}. Change {place}."
    entry = re.match(r"Namespace\((\w+)=", value)  # a dotted key
    if entry and NAMES["dict"] in in_yaml(kinds):
        return (
            f"{place} would have the entry {entry[1]} alone. Expected all of its entries, or --{place}.{entry[1]} "
            f"behind the config. Change {place}."
        )
    needed = re.search(r"No module named '([\w.]+)'\. Got value: (?:Namespace\(class_path=')?([\w.]+)", trail.text)
    if needed and not f"{needed[2]}.".startswith(f"{needed[1]}."):
        return f"{place} is {needed[2]!r}, whose module imports {needed[1]}, which is not there. Install or correct it."
    no_class = [] if plain else NO_CLASS.findall(trail.text)
    if no_class:
        given = value if union else no_class[0]
        near = known.like_class(given)
        return f"{place} is {given!r}, expected the path of a class that can be imported.{near} Change {place}."
    if not kinds:
        return None
    near = did_you_mean(value, _choices(" ".join(kinds)))
    return f"{place} is {value!r}, expected {in_yaml(kinds)}.{near} Change {place}."


def _name(found: re.Match[str]) -> str:
    return str(next(filter(None, found.groups()))).partition("=")[0]


def _value(text: str) -> str:
    found = VALUE.search(text[max(text.rfind("Given value: "), 0) :])
    value = " ".join(found[1].split()) if found else ""
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"


def _bare(kind: str) -> str:
    """Return a type without the modules of its classes."""
    return re.sub(r"(?:\b\w+\.)+(?=[A-Za-z])", "", re.sub(r"<class '([\w.]+)'>", r"\1", kind.strip()))


def _choices(kind: str) -> list[str]:
    return [str(one) for listed in re.findall(r"Literal(\[.*?\])", kind) for one in ast.literal_eval(listed)]


def in_yaml(kinds: list[str]) -> str:
    """Return types as a reader of YAML would name them."""
    names = [_bare(name) for kind in kinds for name in kind.split(" | ")]
    if "Path" in names:
        names = [name for name in names if name != "str"]
    choices = dict.fromkeys(_choices(" ".join(names)))
    said = [f"one of {', '.join(choices)}"] if choices else []
    for name in names:
        made = re.search(r"Callable\[.*\b(\w+)\]$", name)
        kind = made[1] if made else name
        if kind[:1].isupper() and "[" not in kind and kind not in NAMES:
            # a class beside a number is for Python, such as a Tensor for a learning rate
            said += [] if PLAIN & {*names} else [f"the class path of a{'n' * (kind[0] in 'AEIO')} {kind}"]
        elif "Literal" not in name:
            said.append(NAMES.get(name, NAMES.get(name.partition("[")[0].lower(), "a list" if "[" in name else name)))
    return " or ".join(dict.fromkeys(said))


UNKNOWN = r"(?:Option|Subcommand .*option) '([^']+)'(?: is not accepted)?|unrecognized arguments: --(\S+)"
READERS: dict[str, Callable[[re.Match[str], Trail, Parser], str | None]] = {
    r"([^\n]+) \((\S+\.py), line (\d+)\)": lambda found, trail, parser: (
        f"{found[2]} cannot be imported: {found[1].strip(' -')} in line {found[3]}. Correct {found[2]}."
    ),
    r"Problems parsing config: (.+)|Unexpected config|\"config\": (while .+)": _config,
    r"\"config\": [\w ]+: '(.+)'": _no_config,
    r"argument (?:-c/)?--([\w.]+): expected one argument": _no_value,
    r"arguments? (?:is|are) required: ([^\n]+)": _missing,
    UNKNOWN: _unknown,
    r"unrecognized arguments: (\S+)": lambda found, trail, parser: (
        f"There is an argument too many: {found[1]}. {parser.usage_hint}"
    ),
    r"Config file loop detected: \S+ -> (\S+?)\)?$": _within_block,
    r"a path but ([^'\"\s]+\.(?:ya?ml|json))": _no_file,
    r"load config ['\"]([^'\"]+)": _no_file,
    r"mport path ([\w.]*) ?does not correspond to a subclass of (\w+)": _wrong_kind,
    r"but ([\w.]+) is abstract": lambda found, trail, parser: (
        f"{trail.path} is {found[1]}, a base class. Expected a class derived from it. Change {trail.path}."
    ),
    r"Expected|xpects|Unable": _wrong_value,
}
