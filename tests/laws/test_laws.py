"""The list of laws: complete, and in words. tests/physics holds each against every architecture."""

import inspect

from potbench.laws import LAWS, batching, forces, locality, precision, symmetry


def test_every_law_is_listed():
    public = {
        function
        for module in (batching, forces, locality, precision, symmetry)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public - {precision.default_dtype} == {law.function for law in LAWS}


def test_names_differ():
    assert len({law.name for law in LAWS}) == len(LAWS)


def test_every_law_states_what_it_demands_and_in_which_unit():
    for law in LAWS:
        statement = inspect.getdoc(law.function).splitlines()[0]
        assert statement.endswith(").")
        assert law.unit in statement
