"""python -m potbench completion."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from potbench.cli.parsing import Parser

SCRIPT = r"""# completes potbench, and python -m potbench where python has no completion of its own
_potbench_words() {
    case "$1" in
%(cases)s
    esac
}
_potbench() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" words="" at first=1
    [[ ${COMP_WORDS[1]} == -m ]] && first=3
    for ((at = first; at < COMP_CWORD; at++)); do
        [[ " $(_potbench_words "$command") " == *" ${COMP_WORDS[at]} "* ]] || break
        [[ ${COMP_WORDS[at]} == -* ]] && break
        command="${command:+$command }${COMP_WORDS[at]}"
    done
    COMPREPLY=()
    if [[ $previous == --* ]]; then words="$(_potbench_words "$command $previous")"; fi
    if [[ -z $words && ( $current == -* || $at -eq $COMP_CWORD ) ]]; then words="$(_potbench_words "$command")"; fi
    if [[ $current == --*.* ]]; then words="$(_potbench_words "$command .")"; fi
    if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
    else COMPREPLY=($(compgen -X '-*' -W "$words" -- "$current")); fi
}
_potbench_python() { if [[ ${COMP_WORDS[1]} == -m && ${COMP_WORDS[2]} == potbench ]]; then _potbench; fi; }
complete -o default -F _potbench potbench
for each in python python3; do
    complete -p $each >/dev/null 2>&1 || complete -o default -F _potbench_python $each
done
"""


def completion(shell: Literal["bash", "zsh"]) -> None:
    """Print a script by which a shell completes commands, flags and their values.

    Args:
        shell: bash or zsh, which loads it by `source <(potbench completion bash)`.
    """
    from potbench.cli.main import COMMANDS

    cases = "\n".join(
        f"    {shlex.quote(key)}) echo {shlex.quote(' '.join(words))} ;;" for key, words in _words(COMMANDS).items()
    )
    print("autoload -U +X bashcompinit && bashcompinit\n" * (shell == "zsh") + SCRIPT % {"cases": cases}, end="")


def _words(commands: Mapping[str, Any], above: str = "") -> dict[str, list[str]]:
    """Return what may stand behind each command, each group of commands and each flag with choices.

    The key of a flag is that of its command, a space, and the flag; a dot stands for flags within a part of a config.
    """
    found = {above: [*commands]}
    for name, command in commands.items():
        key = f"{above} {name}".strip()
        if isinstance(command, Mapping):
            found |= _words(command, key)
        else:
            found |= _of_command(key, command)
    return found


def _of_command(key: str, command: Callable[..., Any]) -> dict[str, list[str]]:
    """Return the flags of a command, and the choices of these."""
    from potbench.cli.parsing import Parser
    from potbench.cli.report import compare_runs

    if key in {"fit", "validate", "test"}:
        from potbench.cli.config_of_fit import parser_of

        return _of_parser(key, parser_of(key))
    if key == "report":
        return _of_parser(key, Parser.of(compare_runs, key))
    if "arguments" in inspect.signature(command).parameters:
        return {key: []}  # which flags there are depends on the first argument
    return _of_parser(key, Parser.of(command, key))


def _of_parser(key: str, parser: Parser) -> dict[str, list[str]]:
    flags = {flag: action for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    flags = {flag: action for flag, action in flags.items() if not flag.endswith((".help", "+"))}
    found = {key: [flag for flag in flags if "." not in flag]}
    dotted = [flag for flag in flags if "." in flag]
    if dotted:
        found[f"{key} ."] = [*dotted, *_within_classes()]
    for flag, action in flags.items():
        choices = list(_choices(getattr(action, "_typehint", None)))
        if choices:
            found[f"{key} {flag}"] = choices
    first = next((action for action in parser._actions if not action.option_strings), None)
    found[key] += list(_choices(getattr(first, "_typehint", None)))
    return found


def _choices(hint: Any) -> Iterator[str]:
    """Yield the values of a type that has few."""
    if hint is bool:
        yield from ("true", "false")
    elif get_origin(hint) is Literal:
        yield from map(str, get_args(hint))
    else:
        for part in get_args(hint):
            yield from _choices(part)


@cache
def _within_classes() -> list[str]:
    """Return the flags of what is within the data and the model, as short as they may be written."""
    from potbench.cli.schema import classes, settings
    from potbench.schemas.files import short_keys

    return [f"--{key}" for key in short_keys(settings(), classes()) if key.startswith(("data.", "model."))]
