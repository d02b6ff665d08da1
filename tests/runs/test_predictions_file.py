from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from potbench.errors import RecordError
from potbench.runs.predictions import force_errors, in_order
from potbench.runs.predictions_file import KINDS, read_predictions
from potbench.structures import Column
from tests.reporting.predictions import ATOMS, make_predictions

Predictions = dict[str, Column]
FRAMES = 20


def predictions() -> Predictions:
    """Everything that a test of an ensemble with named test sets writes."""
    random = np.random.default_rng(1)
    found: Predictions = make_predictions(FRAMES)
    found["num_atoms"] = np.full(FRAMES, ATOMS)
    found["energy_error"] = found["predicted_energy"] - found["energy"]
    found["force_absolute_error"], found["force_squared_error"] = force_errors(found)
    found |= {"molecule": np.arange(FRAMES) % 2, "molecules": np.array(["ethanol", "water"])}
    found |= {"test_set": np.arange(FRAMES) % 3 - 1, "test_sets": np.array(["hot", "cold"])}
    found |= {"time": np.arange(FRAMES), "nearest": np.ones(FRAMES), "energy_spread": np.ones(FRAMES)}
    found |= {"atomic_numbers": np.full(FRAMES * ATOMS, 6, np.uint8), "forces_spread": np.ones(FRAMES * ATOMS * 3)}
    found["atomic_energies"] = random.normal(size=FRAMES * ATOMS).astype(np.float32)
    return found | {"num_members": np.array([4]), "spread_factors": np.ones(2)}


def written(folder: Path, arrays: Predictions) -> Path:
    np.savez(folder / "predictions.npz", **arrays)
    return folder / "predictions.npz"


def test_what_a_test_writes_is_read_as_it_is(tmp_path: Path) -> None:
    arrays = predictions()
    assert arrays.keys() == KINDS.keys()
    found = read_predictions(written(tmp_path, arrays))
    assert all(np.array_equal(found[name], values) for name, values in arrays.items())


def test_predictions_that_are_not_finite_and_unknown_labels_are_no_damage(tmp_path: Path) -> None:
    arrays = predictions()
    arrays["predicted_energy"][:2] = [np.nan, np.inf]
    arrays["energy"][3] = np.nan
    arrays["forces"][: 3 * ATOMS] = np.nan
    arrays["predicted_forces"][-1] = np.inf
    arrays["energy_error"] = arrays["predicted_energy"] - arrays["energy"]
    arrays["force_absolute_error"], arrays["force_squared_error"] = force_errors(arrays)
    assert read_predictions(written(tmp_path, arrays)).keys() == arrays.keys()


def test_early_predictions_lack_what_later_ones_have(tmp_path: Path) -> None:
    early = make_predictions(FRAMES)
    assert read_predictions(written(tmp_path, early)).keys() == early.keys()


NEEDED = sorted(KINDS.keys() - {"time", "nearest", "energy_spread", "forces_spread"})


@pytest.mark.parametrize("name", NEEDED)
def test_predictions_without_an_array_are_damaged(tmp_path: Path, name: str) -> None:
    arrays = predictions()
    del arrays[name]
    with pytest.raises(RecordError, match=rf"predictions\.npz is damaged \(it has no {name}\)\. .* Test the run again"):
        read_predictions(written(tmp_path, arrays))


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda values: values[:-1], id="short"),
        pytest.param(lambda values: values[:0], id="empty"),
        pytest.param(lambda values: values.reshape(-1, 1), id="of two dimensions"),
        pytest.param(lambda values: values[0], id="of none"),
        pytest.param(lambda values: values.astype("S8"), id="of bytes"),
        pytest.param(lambda values: np.full(len(values), 1 + 1j), id="complex"),
    ],
)
def test_predictions_with_an_array_of_another_kind_are_damaged(
    tmp_path: Path, name: str, damage: Callable[[Column], Column]
) -> None:
    arrays = predictions()
    arrays[name] = damage(arrays[name])
    with pytest.raises(RecordError, match=r"predictions\.npz is damaged"):
        read_predictions(written(tmp_path, arrays))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("frame", -1, "frame is -1 somewhere, expected 0 or more"),
        ("num_atoms", 0, "num_atoms is 0"),
        ("molecule", 2, "molecule is 2 somewhere, expected 0 to 1"),
        ("molecule", -1, "molecule is -1"),
        ("test_set", 2, "test_set is 2 somewhere, expected -1 to 1"),
        ("atomic_numbers", 0, "atomic_numbers is 0"),
        ("num_members", 0, "num_members is 0"),
        ("force_squared_error", -1.0, "force_squared_error is not that of its predictions"),
        ("force_absolute_error", 0.0, "force_absolute_error is not that of its predictions"),
        ("energy_error", np.nan, "energy_error is not that of its predictions"),
        ("predicted_energy", 0.0, "energy_error is not that of its predictions"),
        ("predicted_forces", 5.0, "force_absolute_error is not that of its predictions"),
    ],
)
def test_predictions_with_a_value_that_cannot_be_are_damaged(
    tmp_path: Path, name: str, value: float, said: str
) -> None:
    arrays = predictions()
    arrays[name][-1] = value
    if name == "num_atoms":  # as many atoms in all
        arrays[name][0] += ATOMS
    with pytest.raises(RecordError, match=said):
        read_predictions(written(tmp_path, arrays))


def test_errors_without_the_forces_that_they_are_of_are_damaged(tmp_path: Path) -> None:
    arrays = predictions()
    del arrays["forces"], arrays["predicted_forces"]
    with pytest.raises(RecordError, match="it has no forces"):
        read_predictions(written(tmp_path, arrays))


def test_predictions_of_energies_alone_are_in_order_without_their_atoms(tmp_path: Path) -> None:
    arrays = {name: values for name, values in predictions().items() if "force" not in name and "atomic" not in name}
    arrays["num_atoms"] = np.full(FRAMES, 10**12)
    arrays["frame"] = arrays["frame"][::-1].copy()
    found = in_order(read_predictions(written(tmp_path, arrays)))
    np.testing.assert_array_equal(found["energy"], arrays["energy"][::-1])
