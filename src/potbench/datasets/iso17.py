"""ISO17: molecular dynamics of 129 isomers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo, OfficialIndices, Trajectory
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.errors import DataFileError
from potbench.readers.ase_database import rows, stated, structure
from potbench.readers.indices import read_indices
from potbench.readers.labels import Labels
from potbench.readers.npz import require_formula
from potbench.readers.stated import Claim
from potbench.readers.structures import Structure, conformers
from potbench.structures import Frames

DATABASES = ("reference.db", "test_within.db", "test_other.db")
FORMULA = "C7H10O2"
IDS = ("train_ids.txt", "validation_ids.txt")


class ISO17(Published):
    """Energies and forces of 5,000 frames of each of 129 isomers of C7H10O2, with the official split.

    The official splits test on `known` isomers (other frames of those in the training set) and on `unknown` ones (not
    in the training set); both have the same training and validation frames. The files do not state the isomer of a
    frame, so all isomers count as one molecule and cannot be split by molecule. The order of atoms differs by frame.

    Source: Schütt, Kindermans, Sauceda, Chmiela, Tkatchenko, Müller, NeurIPS 30 (2017), arXiv:1706.08566,
    doi:10.48550/arXiv.1706.08566; isomers drawn from QM9.

    Args:
        folder: folder of reference.db, test_within.db, test_other.db, train_ids.txt and validation_ids.txt; by default
            where `data prepare` puts them.
    """

    published = DatasetInfo(
        name="iso17",
        theory="PBE+TS",
        citation="Schütt, Kindermans, Sauceda, Chmiela, Tkatchenko, Müller, NeurIPS 30 (2017), "
        "doi:10.48550/arXiv.1706.08566",
        license="not stated",
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
    @override
    def trajectory(self) -> Trajectory:
        return Trajectory(500.0)

    @property
    @override
    def elements(self) -> list[str]:
        return list(self.published.elements)

    @property
    @override
    def files(self) -> list[Path]:
        return [self.folder / name for name in (*DATABASES, *IDS)]

    @property
    @override
    def downloads(self) -> list[Download]:
        members = tuple((f"iso17/{file.name}", file.name) for file in self.files)
        urls = tuple(f"{scheme}://www.quantum-machine.org/datasets/iso17.tar.gz" for scheme in ("https", "http"))
        return [Download(urls, "iso17.tar.gz", members=members)]

    @override
    def read(self) -> Iterator[Frames]:
        self._lengths = []
        for name in DATABASES:
            file = self.require(self.folder / name)
            yield from conformers(self._structures(file), str(file))

    def _structures(self, file: Path) -> Iterator[Structure]:
        labels = Labels("total_energy", "atomic_forces", energy=1.0, length=1.0, force=1.0)
        facts = stated(file, labels.energy_key, labels.forces_key)
        claim = Claim(self.published.theory, "eV", names=("iso17", "c7o2h10", "c7h10o2"))
        claim.require(facts, "ISO17", file)
        length = 0
        for row in rows(file):
            atoms = require_formula(row.numbers, FORMULA)
            if atoms:
                claim.require(facts, "ISO17", file, *atoms)
            yield structure(row, file, labels)
            length += 1
        self._lengths.append(length)

    @override
    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Return the splits `known` and `unknown`."""
        reference, within, other = self._lengths
        # ids of rows in reference.db begin with 1
        train, validation = (read_indices(self.require(self.folder / name), reference, first=1) for name in IDS)
        if len(np.union1d(train, validation)) != reference or len(train) + len(validation) != reference:
            raise DataFileError(
                f"{' and '.join(IDS)} in {self.folder} list {len(train):,} and {len(validation):,} of {reference:,} "
                "frames. Expected each frame once; fetch them again."
            )
        tests = {"known": np.arange(within) + reference, "unknown": np.arange(other) + reference + within}
        return {name: OfficialIndices(train, test, validation) for name, test in tests.items()}
