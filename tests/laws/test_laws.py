"""The list of laws: complete, in words, and each held against every architecture."""

import inspect
from pathlib import Path

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


def test_every_law_says_in_words_what_it_demands_and_in_which_unit():
    for law in LAWS:
        words = inspect.getdoc(law.function).splitlines()[0]
        assert words.endswith(").")
        assert law.unit in words


def test_every_law_is_held_against_every_architecture():
    tests = "".join(path.read_text() for path in (Path(__file__).parents[1] / "physics").glob("test_*.py"))
    for law in LAWS:
        room = law.function.__module__.split(".")[-1]
        assert f"holds({room}.{law.function.__name__})" in tests
