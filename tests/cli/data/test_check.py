from __future__ import annotations

import pytest

from potbench.cli.main import main
from potbench.loading import Store
from potbench.loading.manifest import Origin
from tests.native_files.springs import healthy


@pytest.fixture
def stores(prepared):
    """Two prepared datasets of one name; the forces of the second are gradients."""
    right, wrong = healthy(), healthy()
    wrong = wrong._replace(forces=-wrong.forces)
    for molecule, chunk in {"right": right, "wrong": wrong}.items():
        Store.write(prepared / f"made-{molecule}", [chunk], Origin(name="made", options={"molecule": molecule}))
    return prepared


def checked(capsys, *arguments) -> tuple[int, str]:
    status = main(["data", "check", *map(str, arguments)])
    return status, " ".join(capsys.readouterr().out.split())


def test_a_healthy_dataset_ends_with_status_zero(stores, capsys):
    status, printed = checked(capsys, "made", "--molecule", "right")
    assert status == 0
    assert printed.endswith("All 13 are fine.")
    assert str(stores / "made-right") in printed


def test_what_is_wrong_is_named_and_ends_with_status_one(stores, capsys):
    status, printed = checked(capsys, "made", "--molecule", "wrong")
    assert status == 1
    assert "1 of 13 are wrong: understand them before training on this." in printed
    assert "gradients" in printed


def test_without_options_every_dataset_of_the_name_is_looked_at(stores, capsys):
    status, printed = checked(capsys, "made")
    assert status == 1
    assert printed.count("unit of energies") == 2


def test_the_folder_of_a_store_may_be_given(stores, capsys):
    status, printed = checked(capsys, stores / "made-right")
    assert status == 0
    assert printed.count("unit of energies") == 1


def test_a_dataset_that_is_not_prepared_is_refused(stores, capsys):
    assert main(["data", "check", "maid"]) == 2
    assert "maid is not prepared" in (said := capsys.readouterr().err)
    assert "Did you mean made?" in said


def test_too_few_frames_are_refused(stores, capsys):
    assert main(["data", "check", "made", "--frames", "1"]) == 2
    assert "frames is 1, expected at least 2. Change --frames." in capsys.readouterr().err


def test_a_negative_seed_is_refused(stores, capsys):
    assert main(["data", "check", "made", "--seed", "-1"]) == 2
    assert "seed is -1, expected at least 0. Change --seed." in capsys.readouterr().err


def test_a_file_that_is_not_there_is_not_taken_for_a_dataset(refused):
    said = refused("check", "nothing.xyz")
    assert said.startswith("nothing.xyz does not exist. Expected a file of your own, or the name of a prepared dataset")
