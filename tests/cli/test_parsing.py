from pathlib import Path
from typing import Any

import pytest
from jsonargparse import Namespace

from potbench.cli.parsing import ConfigParser, Parser, flags_in, positional_in
from potbench.datasets import Dataset
from potbench.errors import PotbenchError


def command(
    run: Path,
    *,
    output: Path,
    batch_size: int = 256,
    heavy_atoms: tuple[int, ...] = (1, 2),
    molecules: list[str] | None = None,
    arguments: dict[str, Any] | None = None,
    return_memory: bool = False,
) -> None:
    """Do something.

    More of it.

    Args:
        run: folder of a run.
        output: file to write.
        batch_size: structures at once.
        heavy_atoms: files.
        molecules: names.
        arguments: keyword arguments.
        return_memory: whether memory is returned.
    """


def parse(*arguments: str) -> Namespace:
    return Parser.of(command, "program").parse_args([*arguments, "--output", "out"])


def test_arguments_without_a_default_are_positional_unless_they_are_keyword_only() -> None:
    parser = Parser.of(command, "program")
    assert parser.positional == ["run"]
    assert parser.place("run") == "RUN"
    assert parser.place("output") == "--output"
    assert parser.place("nothing") is None
    found = parse("here")
    assert found.run == Path("here")
    assert found.batch_size == 256


def test_help_is_that_of_the_docstring() -> None:
    printed = " ".join(Parser.of(command, "program").format_help().split())
    assert "Do something. More of it." in printed
    assert "Args" not in printed
    assert "file to write. (required, type: Path)" in printed


@pytest.mark.parametrize(
    "arguments",
    [["--run", "here"], ["--run=here"], ["--batch_size", "3", "--run", "here"], ["here", "--batch-size", "3"]],
)
def test_earlier_ways_to_write_arguments_are_understood(arguments: list[str]) -> None:
    found = parse(*arguments)
    assert found.run == Path("here")
    assert found.batch_size in {3, 256}
    assert found.batch_size == (3 if len(arguments) > 2 else 256)


@pytest.mark.parametrize("written", [["3"], ["[3]"], ["3", "4"], ["[3, 4]"], ["[3,4]"]])
def test_lists_may_be_written_as_several_words(written: list[str]) -> None:
    found = parse("here", "--heavy-atoms", *written).heavy_atoms
    assert found == ((3,) if len("".join(written).split(",")) == 1 and len(written) == 1 else (3, 4))


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    # nitric oxide is no boolean
    assert parse("here", "--molecules", "NO", "H2O").molecules == ["NO", "H2O"]
    assert parse("here", "--molecules", "null").molecules is None
    assert parse("here").molecules is None


@pytest.mark.parametrize(("written", "value"), [([], True), (["true"], True), (["false"], False)])
def test_a_flag_that_is_true_or_false_may_stand_alone(written: list[str], value: bool) -> None:
    assert parse("here", "--return-memory", *written).return_memory is value
    assert parse("here").return_memory is False


def test_mappings_are_json() -> None:
    assert parse("here", "--arguments", '{"method": "GFN2-xTB"}').arguments == {"method": "GFN2-xTB"}


def test_abbreviations_are_not_guessed_at() -> None:
    with pytest.raises(PotbenchError, match=r"There is no argument --batch\. Did you mean --batch_size\?"):
        parse("here", "--batch", "3")


@pytest.mark.parametrize(
    ("arguments", "positional"),
    [
        (["here"], "here"),
        (["--flag", "value", "here"], "here"),
        (["--flag=value", "here"], "here"),
        (["here", "--flag", "value"], "here"),
        (["--flag", "value"], None),
        (["-c", "file"], None),
        (["--print_config", "here"], "here"),
        ([], None),
    ],
)
def test_the_positional_argument_is_found_among_flags(arguments: list[str], positional: str | None) -> None:
    assert positional_in(arguments) == positional


def test_flags_are_named_as_in_python() -> None:
    assert flags_in(["here", "--batch-size", "3", "--root=x", "-x"]) == ["batch_size", "root"]


FILE = "x.xyz"
XYZ = {"class_path": "potbench.datasets.ExtendedXYZ", "init_args": {"file": FILE, "licence": "CC0"}}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dataset", str(XYZ)],
        ["--dataset", "potbench.datasets.ExtendedXYZ", "--dataset.file", FILE, "--dataset.licence", "CC0"],
        ["--dataset", "potbench.datasets.ExtendedXYZ", "--dataset.file", FILE, "--dataset.init_args.licence=CC0"],
    ],
)
def test_the_license_is_understood_as_earlier_versions_spelled_it(arguments: list[str]) -> None:
    parser = ConfigParser()
    parser.add_subclass_arguments(Dataset, "dataset")
    assert parser.parse_args(arguments).dataset.init_args.license == "CC0"
    assert parser.parse_object({"dataset": XYZ}).dataset.init_args.license == "CC0"
