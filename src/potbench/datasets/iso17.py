"""ISO17: molecular dynamics of 129 isomers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from potbench.datasets.ase_database import Labels, rows
from potbench.datasets.dataset import OfficialIndices
from potbench.datasets.published import Published, Summary
from potbench.downloads.address import Download
from potbench.errors import DataFileError
from potbench.readers.structures import Structure, conformers
from potbench.structures import Frames, IntArray

DATABASES = ("reference.db", "test_within.db", "test_other.db")
IDS = ("train_ids.txt", "validation_ids.txt")


class ISO17(Published):
    """Energies and forces of 5,000 frames of each of 129 isomers of C7H10O2, with the official split.

    The official splits are `known` (unseen frames of the isomers that trained) and `unknown` (isomers that did not);
    both train and validate on the same frames. The files do not say which isomer a frame is of, so all of them count as
    one molecule, and cannot be divided by molecule in another way. Atoms are in an order of their own in each frame.

    Source: Schütt, Kindermans, Sauceda, Chmiela, Tkatchenko, Müller, NeurIPS 30 (2017), arXiv:1706.08566,
    doi:10.48550/arXiv.1706.08566; isomers drawn from QM9.

    Args:
        folder: folder of reference.db, test_within.db, test_other.db, train_ids.txt and validation_ids.txt; by default
            where `data prepare` puts them.
    """

    name = "iso17"
    summary = Summary(
        theory="PBE+TS",
        citation="Schütt, Kindermans, Sauceda, Chmiela, Tkatchenko, Müller, NeurIPS 30 (2017), "
        "doi:10.48550/arXiv.1706.08566",
        licence="not stated",
        has_forces=True,
        molecules=129,
        frames=645_000,
        elements=("H", "C", "O"),
        size="not stated",
    )

    def __init__(self, folder: Path | str | None = None) -> None:
        super().__init__(folder)
        self._lengths: list[int] = []

    @property
    def elements(self) -> list[str]:  # noqa: D102
        return list(self.summary.elements)

    @property
    def files(self) -> list[Path]:  # noqa: D102
        return [self.folder / name for name in (*DATABASES, *IDS)]

    @property
    def downloads(self) -> list[Download]:  # noqa: D102
        members = tuple((f"iso17/{file.name}", file.name) for file in self.files)
        return [Download(("http://www.quantum-machine.org/datasets/iso17.tar.gz",), "iso17.tar.gz", members=members)]

    def read(self) -> Iterator[Frames]:  # noqa: D102
        self._lengths = []
        for name in DATABASES:
            file = self.require(self.folder / name)
            yield from conformers(self._structures(file), str(file))

    def _structures(self, file: Path) -> Iterator[Structure]:
        labels = Labels("total_energy", "atomic_forces", energy=1.0, length=1.0)
        length = 0
        for row in rows(file):
            yield labels.structure(row, file)
            length += 1
        self._lengths.append(length)

    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Known and unknown."""
        reference, within, other = self._lengths
        train, validation = (self._numbered(self.require(self.folder / name), reference) for name in IDS)
        tests = {"known": np.arange(within) + reference, "unknown": np.arange(other) + reference + within}
        return {name: OfficialIndices(train, test, validation) for name, test in tests.items()}

    @staticmethod
    def _numbered(file: Path, num_rows: int) -> IntArray:
        try:
            # ids of rows in reference.db, which begin with 1
            frames = np.array(file.read_text(encoding="utf-8").split(), dtype=np.int64) - 1
        except ValueError as error:
            raise DataFileError(f"{file}: {error}. Expected the id of a row on each line; fetch it again.") from error
        known = len(np.unique(frames[(frames >= 0) & (frames < num_rows)]))
        if not known or known < len(frames):
            raise DataFileError(
                f"{file} names {known} of the rows 1 to {num_rows} in {len(frames)} lines. "
                "Expected a row on each, none twice; fetch it again."
            )
        return frames
