import numpy as np
import pytest

from potbench.loading import large_rows
from potbench.loading.large_rows import LargeRows


@pytest.fixture(params=[(), (3,)], ids=["one number", "three numbers"])
def rows(request, tmp_path, monkeypatch):
    """The rows of a file, and the same in memory."""
    monkeypatch.setattr(large_rows, "LARGE", 0)
    true = np.random.default_rng(0).normal(size=(5000, *request.param)).astype(np.float32)
    np.save(tmp_path / "rows.npy", true)
    return LargeRows.open(tmp_path / "rows.npy"), true


CHOICES = {
    "in order": np.arange(5000),
    "one": np.array([4999]),
    "none": np.array([], int),
    "some in order": np.arange(7, 5000, 3),
    "with gaps": np.array([0, 1, 2, 4000, 4001, 4999]),
    "backwards": np.arange(5000)[::-1],
    "at random": np.random.default_rng(0).permutation(5000),
    "again and again": np.repeat(np.array([3, 3, 4998, 0]), 5),
    "32 bits": np.array([4999, 0, 17], np.int32),
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES.keys())
def test_rows_drawn_are_those_of_the_array(rows, chosen):
    read, true = rows
    assert isinstance(read, LargeRows)
    drawn = read[chosen]
    assert type(drawn) is np.ndarray or not len(chosen)
    assert drawn.dtype == true.dtype
    np.testing.assert_array_equal(drawn, true[chosen])


def test_everything_else_is_as_of_any_array(rows):
    read, true = rows
    np.testing.assert_array_equal(read, true)
    np.testing.assert_array_equal(read[10:20][np.array([3, 1])], true[[13, 11]])
    np.testing.assert_array_equal(read[-1], true[-1])
    np.testing.assert_array_equal(read[[1, 2]], true[[1, 2]])
    np.testing.assert_array_equal(read[true.reshape(5000, -1)[:, 0] > 0], true[true.reshape(5000, -1)[:, 0] > 0])
    assert not read.flags.writeable


def test_what_was_drawn_can_be_changed_without_touching_the_file(rows):
    read, true = rows
    drawn = read[np.array([1, 2])]
    drawn[:] = 0
    np.testing.assert_array_equal(read, true)


@pytest.mark.parametrize("chosen", [[5000], [-1], [0, 10**6]], ids=str)
def test_rows_that_are_not_there_are_refused(rows, chosen):
    with pytest.raises(IndexError, match="expected 0 to 4999"):
        rows[0][np.array(chosen)]


def test_a_small_file_stays_an_ordinary_mapped_array(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros(10))
    assert type(LargeRows.open(tmp_path / "rows.npy")) is np.memmap


def test_rows_are_read_from_the_file_and_not_through_the_mapping(rows, monkeypatch):
    read, true = rows
    asked = []
    plain = large_rows.os.pread
    monkeypatch.setattr(large_rows.os, "pread", lambda *arguments: asked.append(arguments[1:]) or plain(*arguments))
    chosen = np.array([10, 11, 12, 4000, 20])
    np.testing.assert_array_equal(read[chosen], true[chosen])
    size = true[0].nbytes
    assert asked == [(3 * size, 128 + 10 * size), (size, 128 + 4000 * size), (size, 128 + 20 * size)]
