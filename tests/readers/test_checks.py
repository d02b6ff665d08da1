from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers.checks import check_frames, require_no_cell
from potbench.structures import Frames

WATER = Frames("water", np.array([8, 1, 1]), np.zeros((4, 3, 3)), np.full(4, -2000.0), np.zeros((4, 3, 3)))


def altered(name: str, where, value) -> Frames:
    array = getattr(WATER, name).copy()
    array[where] = value
    return WATER._replace(**{name: array})


def refusal(frames: Frames) -> str:
    with pytest.raises(DataFileError) as caught:
        check_frames(frames, "some.h5, group /a")
    return str(caught.value).removeprefix("some.h5, group /a: ")


@pytest.mark.parametrize(
    "frames",
    [
        WATER,
        WATER._replace(forces=None),
        WATER._replace(positions=np.zeros((4, 3, 3), dtype=np.float32)),
        WATER._replace(positions=np.zeros((0, 3, 3)), energy=np.zeros(0), forces=None),
        altered("energy", 1, -1.5e6 * 27.2),  # heavy atoms
    ],
)
def test_sound_frames_pass_unchanged(frames):
    assert check_frames(frames, "somewhere") is frames


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "where"), [("energy", 2), ("positions", (2, 1, 0)), ("forces", (2, 2, 2))])
def test_the_first_frame_that_is_not_finite_is_named(name, where, value):
    assert refusal(altered(name, where, value)) == (
        f"{name} of frame 2 is NaN or infinite (1 of the 4 frames from frame 0 on). Expected finite numbers; remove "
        "those frames."
    )


def test_frames_are_called_what_they_are_called_in_the_file():
    frames = altered("energy", 2, np.nan)._replace(columns={"weight": np.array([1.0, 1.0, np.inf, 1.0])})
    for named, says in ((frames, "weight of {}"), (frames._replace(columns=None), "energy of {}")):
        with pytest.raises(DataFileError, match=says.format("frame 1002 is")):
            check_frames(named, "some.xyz", 1000)
        with pytest.raises(DataFileError, match=says.format("row 8 is")):
            check_frames(named, "some.db", 2, ["row 3", "row 5", "row 8", "row 9"])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (WATER._replace(energy=np.zeros((4, 1))), "energy has shape (4, 1), expected (4,), (frames,)."),
        (
            WATER._replace(energy=np.zeros(5)),
            "positions has shape (4, 3, 3), expected (5, 3, 3), (frames, atoms, 3).",
        ),
        (
            WATER._replace(atomic_numbers=np.array([8, 1])),
            "positions has shape (4, 3, 3), expected (4, 2, 3), (frames, atoms, 3).",
        ),
        (
            WATER._replace(forces=np.zeros((4, 9))),
            "forces has shape (4, 9), expected (4, 3, 3), (frames, atoms, 3).",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(frames, message):
    assert refusal(frames) == message


@pytest.mark.parametrize("kind", ["int32", "complex128", "longdouble", "float16", "S4"])
def test_other_kinds_of_numbers_are_refused(kind):
    positions = np.zeros((4, 3, 3)).astype(kind)
    message = f"positions holds {positions.dtype}, expected float32 or float64."
    assert refusal(WATER._replace(positions=positions)) == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("energy", -2e12, "energy reaches 2e+12 eV, expected no more than 1e+08 eV."),
        ("positions", 3e5, "positions reaches 3e+05 Å, expected no more than 1e+04 Å."),
        ("forces", 4e9, "forces reaches 4e+09 eV/Å, expected no more than 1e+06 eV/Å."),
    ],
)
def test_values_no_molecule_can_have_are_refused(name, value, message):
    assert refusal(altered(name, 0, value)) == f"{message} The file is damaged, or in other units."


@pytest.mark.parametrize("numbers", [[0, 1, 1], [8, 1, 200], [-1, 1, 1]])
def test_impossible_atomic_numbers_are_refused(numbers):
    message = refusal(WATER._replace(atomic_numbers=np.array(numbers)))
    assert message.startswith(f"atomic numbers {numbers}, expected 1 to ")


def test_a_molecule_without_atoms_is_refused():
    empty = Frames("none", np.array([], dtype=int), np.zeros((2, 0, 3)), np.zeros(2))
    assert refusal(empty).startswith("atomic numbers [], expected 1 to ")


@pytest.mark.parametrize(
    "values",
    [
        {"lattice": 9.0 * np.eye(3)},
        {"cell": np.array([9.0, 9.0, 9.0, 90.0, 90.0, 90.0])},
        {"Cell": "9 9 9 cubic"},
        {"PBC": [True, True, True]},
        {"_pbc": np.array([0, 0, 1])},
        {"pbc": np.array("T T T")},
        {"PBC": True},
    ],
)
def test_a_cell_under_any_name_is_refused(values):
    with pytest.raises(DataFileError, match=rf"^a\.xyz, frame 3 is periodic, by its {next(iter(values))} .*; remove "):
        require_no_cell(values, "a.xyz, frame 3")


@pytest.mark.parametrize(
    "values",
    [
        {"lattice": np.zeros((3, 3)), "pbc": [False] * 3},
        {"cell": 9.0 * np.eye(3), "PBC": "F F F"},
        {"cell": True, "energy": 1.0, 3: "name"},
        {"Lattice": "none", "pbc": None},
    ],
)
def test_a_cell_that_is_none_passes(values):
    require_no_cell(values, "a.xyz")
