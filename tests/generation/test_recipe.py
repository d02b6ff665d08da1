import sys
from typing import ClassVar

import numpy as np
import pytest
from ase.calculators.calculator import Calculator

from potbench.errors import MissingPackageError, SettingError
from potbench.generation.recipe import FORMER_PYSCF, PYSCF, Recipe

EMT = "ase.calculators.emt.EMT"


def test_the_level_of_theory_is_the_calculators_own_unless_given():
    assert Recipe.of(EMT, {}, None, 300.0, 0).theory == EMT
    assert Recipe.of(EMT, {}, "EMT", 300.0, 0).theory == "EMT"
    assert Recipe.of(EMT, {"label": "a"}, None, 300.0, 0).theory == f'{EMT} {{"label": "a"}}'


def test_the_level_of_theory_of_pyscf_is_that_of_its_arguments():
    pytest.importorskip("pyscf")
    recipe = Recipe.of(PYSCF, {"xc": "PBE", "basis": "def2-SVP"}, None, 300.0, 0)
    assert recipe.theory.startswith("PBE/def2-SVP, ")


def test_the_class_path_of_version_0_1_stands_for_the_same_calculator():
    assert Recipe(FORMER_PYSCF, {}, "", 300.0, 0) == Recipe(PYSCF, {}, "", 300.0, 0)


@pytest.mark.parametrize(
    ("calculator", "arguments", "setting", "message"),
    [
        (
            "ase.calculators.emt.NoSuch",
            {},
            "calculator",
            "The calculator 'ase.calculators.emt.NoSuch' cannot be found or made (module 'ase.calculators.emt' has no "
            "attribute 'NoSuch'). Expected the path of a class, such as ase.calculators.emt.EMT. "
            "Change the argument calculator of Recipe.",
        ),
        (
            "no_such_package.Calculator",
            {},
            "calculator",
            "The calculator no_such_package.Calculator needs the module no_such_package, which is not installed. "
            "Expected an importable class. Change the argument calculator of Recipe.",
        ),
        (
            "potbench.datasets.sample.Sample",
            {"no_such": 1},
            "calculator_arguments",
            "The calculator potbench.datasets.sample.Sample does not take {'no_such': 1} (Sample.__init__() got an "
            "unexpected keyword argument 'no_such'). Expected its keyword arguments. "
            "Change the argument calculator_arguments of Recipe.",
        ),
    ],
)
def test_a_calculator_that_cannot_be_made_is_refused(calculator, arguments, setting, message):
    with pytest.raises(SettingError) as caught:
        Recipe.of(calculator, arguments, None, 300.0, 0)
    assert (caught.value.owner, caught.value.setting) == (Recipe, setting)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("package", "calculator", "extra"), [("pyscf", PYSCF, "generate"), ("tblite", "tblite.ase.TBLite", "xtb")]
)
def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, package, calculator, extra):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as caught:
        Recipe.of(calculator, {}, None, 300.0, 0)
    assert str(caught.value) == (
        f"The calculator {calculator} needs the package {package}, which is not installed. Install it: "
        f"pip install 'potbench[{extra}]'."
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0, expected more than 0. Change the argument temperature of Recipe."),
        (
            {"temperature": np.nan},
            "temperature is nan, expected more than 0. Change the argument temperature of Recipe.",
        ),
        ({"seed": -1}, "seed is -1, expected 0 or more. Change the argument seed of Recipe."),
    ],
)
def test_impossible_numbers_are_refused(wrong, message):
    with pytest.raises(SettingError) as caught:
        Recipe(
            **{"calculator": EMT, "calculator_arguments": {}, "theory": "", "temperature": 300.0, "seed": 0, **wrong}
        )
    assert str(caught.value) == message


class Loud(Calculator):
    """Prints the iterations of each frame, as tblite does, unless told not to."""

    default_parameters: ClassVar[dict[str, int]] = {"verbosity": 1}


def test_a_calculator_that_prints_is_told_not_to_unless_asked_for():
    path = f"{Loud.__module__}.Loud"
    recipe = Recipe.of(path, {}, None, 300.0, 0)
    assert recipe.make_calculator().parameters["verbosity"] == 0
    assert recipe.calculator_arguments == {}  # unfinished work of earlier versions is resumed
    assert Recipe.of(path, {"verbosity": 2}, None, 300.0, 0).make_calculator().parameters["verbosity"] == 2
