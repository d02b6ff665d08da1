import inspect
import re
from pathlib import Path

import pytest

from potbench import errors
from potbench.errors import (
    DataFileError,
    MissingDataError,
    MissingPackageError,
    PotbenchError,
    SettingError,
    did_you_mean,
    require_fraction,
    require_new_file,
    require_positive,
)


class Network:
    """Something with settings."""


def network():
    """A function with settings."""


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_new_file(network, json=tmp_path / "new" / "a.json")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SettingError, match=f"{tmp_path} cannot be written. Expected a file that you may write"):
        require_new_file(network, json=tmp_path / "new" / "a.json")


EXCEPTIONS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


def test_the_tree_in_the_docstring_is_that_of_the_classes():
    drawn, parents = {}, {}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"^((?:│ {3}| {4})*)(?:[├└]── )?(\w+Error)\b", line):
            depth = len(match[1]) // 4 + ("── " in line)
            parents[depth] = match[2]
            drawn[match[2]] = parents[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in EXCEPTIONS}


def test_all_but_a_missing_package_are_value_errors():
    kinds = set(EXCEPTIONS) - {PotbenchError}
    assert {kind for kind in kinds if not issubclass(kind, ValueError)} == {MissingPackageError}
    assert issubclass(MissingPackageError, ImportError)


@pytest.mark.parametrize("owner", [Network(), Network], ids=["object", "class"])
def test_a_setting_is_named_with_its_value_and_its_owner(owner):
    error = SettingError(owner, "width", "8", "a number")
    assert str(error) == "width is '8', expected a number. Change the argument width of Network."
    assert (error.owner, error.setting, error.value) == (Network, "width", "8")


def test_a_setting_of_a_function_is_named_with_the_function():
    error = SettingError(network, "width", 0, "more than 0")
    assert str(error).endswith("Change the argument width of network.")
    assert error.owner is network


def test_a_problem_of_a_setting_is_told_in_its_own_words():
    error = SettingError(Network, "forces", 100.0, "0", "The loss weights forces by 100.0, but QM9 has no forces")
    assert str(error) == (
        "The loss weights forces by 100.0, but QM9 has no forces. Expected 0. Change the argument forces of Network."
    )


def test_a_setting_is_changed_where_the_reader_knows_it():
    error = SettingError(Network, "width", 0, "more than 0")
    assert error.text("model.width") == "width is 0, expected more than 0. Change model.width."


@pytest.mark.parametrize("value", [0, -1, -0.5, float("nan")])
def test_a_size_that_is_not_above_zero_is_refused(value):
    message = f"width is {value}, expected more than 0. Change the argument width of Network."
    with pytest.raises(SettingError, match=f"^{re.escape(message)}$"):
        require_positive(Network(), depth=1, width=value)


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, float("nan")])
def test_a_value_outside_zero_to_one_is_no_fraction(value):
    message = f"dropout is {value}, expected at least 0 and less than 1. Change the argument dropout of Network."
    with pytest.raises(SettingError, match=f"^{re.escape(message)}$"):
        require_fraction(Network(), dropout=value)


def test_a_setting_left_out_has_no_limit():
    require_positive(Network(), cutoff=None, width=1, scale=1e-9)
    require_fraction(Network(), dropout=0)


def test_a_missing_file_is_an_error_of_a_setting_and_of_a_file():
    error = MissingDataError(Network, "root", Path("data/ani1"), "ani1", {"heavy_atoms": 2})
    assert isinstance(error, SettingError)
    assert isinstance(error, DataFileError)
    assert "data/ani1 does not exist" in str(error)
    assert (error.file, error.name, error.options) == (Path("data/ani1"), "ani1", {"heavy_atoms": 2})


def test_a_missing_package_is_told_with_what_installs_it():
    assert str(MissingPackageError("rdkit", "Splits by chemical similarity need", "rdkit")) == (
        "Splits by chemical similarity need the package rdkit, which is not installed. "
        "Install it: pip install 'potbench[rdkit]'."
    )


@pytest.mark.parametrize(
    ("word", "hint"), [("AEVV", " Did you mean AEV?"), ("nothing", ""), ("AEV", " Did you mean AEV?")]
)
def test_the_nearest_known_word_is_suggested(word, hint):
    assert did_you_mean(word, ["AEV", "SchNet"]) == hint
