from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers.indices import read_indices


@pytest.mark.parametrize(("first", "text"), [(0, "2\n0\n4\n"), (1, "3 1 5"), (1, "3\r\n1\r\n5")])
def test_numbers_of_frames_are_counted_from_zero(tmp_path, first, text):
    file = tmp_path / "index.csv"
    file.write_text(text)
    indices = read_indices(file, 5, first)
    assert indices.tolist() == [2, 0, 4]
    assert indices.dtype == np.int64


@pytest.mark.parametrize(
    ("first", "text", "says"),
    [
        (0, "0\n5\n", "lists 1 of the frames 0 to 4 in 2 lines"),
        (1, "0\n5\n", "lists 1 of the frames 1 to 5 in 2 lines"),
        (0, "3\n3\n", "lists 1 of the frames 0 to 4 in 2 lines"),
        (0, "-1", "lists 0 of the frames"),
        (0, "", "lists 0 of the frames"),
        (0, "one", "Expected the number of a frame on each line"),
        (0, "0.5", "Expected the number of a frame on each line"),
    ],
)
def test_lists_of_other_frames_are_refused(tmp_path, first, text, says):
    file = tmp_path / "index.csv"
    file.write_text(text)
    with pytest.raises(DataFileError, match=rf"^{file}.*{says}.*fetch it again\.$"):
        read_indices(file, 5, first)


@pytest.mark.parametrize("text", ["0 1\n2\n", "0,1\n", "0\n1 x\n", "9999999999999999999999\n", "\xff\n"])
def test_surplus_columns_and_other_text_are_refused(tmp_path, text):
    (tmp_path / "ids.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataFileError, match=r"ids\.txt: .* Expected the number of a frame on each line"):
        read_indices(tmp_path / "ids.txt", 5)
