"""MD17: trajectories of ten molecules, and coupled-cluster labels for five of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from potbench.datasets.dataset import OfficialIndices
from potbench.datasets.published import Published, Summary
from potbench.datasets.sgdml_file import NEEDED, elements_of, read_arrays
from potbench.downloads.address import Download
from potbench.readers.npz import read_npz
from potbench.structures import Frames
from potbench.units import KCAL_PER_MOL

PLACE = "http://www.quantum-machine.org/gdml/data/npz/"
Molecule = Literal[
    "aspirin",
    "azobenzene",
    "benzene",
    "ethanol",
    "malonaldehyde",
    "naphthalene",
    "paracetamol",
    "salicylic",
    "toluene",
    "uracil",
]
FILES = {
    **{molecule: f"md17_{molecule}" for molecule in get_args(Molecule)},
    "benzene": "md17_benzene2017",
    "azobenzene": "azobenzene_dft",
    "paracetamol": "paracetamol_dft",
}
COUPLED_CLUSTER = {
    "aspirin": ("aspirin_ccsd", "CCSD/cc-pVDZ"),
    "benzene": ("benzene_ccsd_t", "CCSD(T)/cc-pVDZ"),
    "ethanol": ("ethanol_ccsd_t", "CCSD(T)/cc-pVTZ"),
    "malonaldehyde": ("malonaldehyde_ccsd_t", "CCSD(T)/cc-pVDZ"),
    "toluene": ("toluene_ccsd_t", "CCSD(T)/cc-pVDZ"),
}


class MD17(Published):
    """Energies and forces along molecular dynamics at 500 K, PBE+TS; or coupled cluster for 1,500 to 2,000 frames.

    Frames of a trajectory follow each other by half a femtosecond. Energies and forces carry noise: the forces on a
    molecule sum to up to 0.4 kcal/mol/Å (RMD17 has the same frames without it). The coupled-cluster frames come with an
    official split, `official`.

    Source: Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015; coupled cluster: Chmiela,
    Sauceda, Müller, Tkatchenko, Nat. Commun. 9, 3887 (2018), doi:10.1038/s41467-018-06169-2.

    Args:
        molecule: which of the ten.
        labels: density functional theory, or coupled cluster for aspirin, benzene, ethanol, malonaldehyde and toluene.
        folder: folder of the .npz files under their original names; by default where `data prepare` puts them.
    """

    name = "md17"
    summary = Summary(
        theory="PBE+TS",
        citation="Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015; coupled cluster: Chmiela, "
        "Sauceda, Müller, Tkatchenko, Nat. Commun. 9, 3887 (2018), doi:10.1038/s41467-018-06169-2",
        licence="not stated",
        has_forces=True,
        molecules=10,
        frames=3_817_604,
        elements=("H", "C", "N", "O"),
        size="not stated",
    )

    def __init__(
        self,
        molecule: Molecule,
        labels: Literal["DFT", "coupled cluster"] = "DFT",
        folder: Path | str | None = None,
    ) -> None:
        super().__init__(folder)
        known = FILES if labels == "DFT" else COUPLED_CLUSTER
        if molecule not in known:
            raise ValueError(
                f"MD17 has no {labels} labels of {molecule!r}, expected one of {', '.join(sorted(known))}. "
                "Change data.init_args.dataset.init_args.molecule."
            )
        self.molecule = molecule
        self.labels = labels

    @property
    def theory(self) -> str:  # noqa: D102
        return self.summary.theory if self.labels == "DFT" else COUPLED_CLUSTER[self.molecule][1]

    @property
    def options(self) -> dict[str, object]:  # noqa: D102
        return {"molecule": self.molecule, "labels": self.labels}

    @property
    def elements(self) -> list[str]:  # noqa: D102
        return elements_of(self.require(self.files[0]))

    @property
    def files(self) -> list[Path]:  # noqa: D102
        if self.labels == "DFT":
            return [self.folder / f"{FILES[self.molecule]}.npz"]
        stem = COUPLED_CLUSTER[self.molecule][0]
        return [self.folder / f"{stem}-train.npz", self.folder / f"{stem}-test.npz"]

    @property
    def downloads(self) -> list[Download]:  # noqa: D102
        if self.labels == "DFT":
            return [Download((PLACE + self.files[0].name,), self.files[0].name)]
        archive = f"{COUPLED_CLUSTER[self.molecule][0]}.zip"
        return [Download((PLACE + archive,), archive, members=tuple((file.name, file.name) for file in self.files))]

    def read(self) -> Iterator[Frames]:  # noqa: D102
        for file in self.files:
            arrays = read_npz(self.require(file), NEEDED)
            yield from read_arrays(arrays, file, self.molecule, KCAL_PER_MOL, 1.0, time=self.labels == "DFT")

    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Of the coupled-cluster frames: `official`."""
        if self.labels == "DFT":
            return {}
        train, test = (len(read_npz(file, NEEDED)["R"]) for file in self.files)
        return {"official": OfficialIndices(np.arange(train), np.arange(train, train + test))}
