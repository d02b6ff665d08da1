"""MD17: trajectories of ten molecules, and coupled-cluster labels for five of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo, OfficialIndices, Trajectory
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.errors import SettingError
from potbench.readers.npz import require_formula, stated
from potbench.readers.sgdml import conformers, elements_of, read_sgdml
from potbench.readers.stated import Claim
from potbench.structures import Frames
from potbench.units import KCAL_PER_MOL

PLACES = tuple(f"{scheme}://www.quantum-machine.org/gdml/data/npz/" for scheme in ("https", "http"))
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
FORMULAS = {
    "aspirin": "C9H8O4",
    "azobenzene": "C12H10N2",
    "benzene": "C6H6",
    "ethanol": "C2H6O",
    "malonaldehyde": "C3H4O2",
    "naphthalene": "C10H8",
    "paracetamol": "C8H9NO2",
    "salicylic": "C7H6O3",
    "toluene": "C7H8",
    "uracil": "C4H4N2O2",
}
OTHER_NAMES = {"malonaldehyde": ("malondialdehyde",), "paracetamol": ("acetaminophen",)}
COUPLED_CLUSTER = {
    "aspirin": ("aspirin_ccsd", "CCSD/cc-pVDZ"),
    "benzene": ("benzene_ccsd_t", "CCSD(T)/cc-pVDZ"),
    "ethanol": ("ethanol_ccsd_t", "CCSD(T)/cc-pVTZ"),
    "malonaldehyde": ("malonaldehyde_ccsd_t", "CCSD(T)/cc-pVDZ"),
    "toluene": ("toluene_ccsd_t", "CCSD(T)/cc-pVDZ"),
}


class MD17(Published):
    """Energies and forces along molecular dynamics at 500 K, PBE+TS; or coupled cluster for 1,500 to 2,000 frames.

    The time step is half a femtosecond. Energies and forces are noisy: the net force on a molecule reaches
    0.4 kcal/mol/Å (RMD17 has the same frames without this noise). The coupled-cluster frames have an official split,
    `official`.

    Source: Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015; coupled cluster: Chmiela,
    Sauceda, Müller, Tkatchenko, Nat. Commun. 9, 3887 (2018), doi:10.1038/s41467-018-06169-2.

    Args:
        molecule: which of the ten.
        labels: density functional theory, or coupled cluster for aspirin, benzene, ethanol, malonaldehyde and toluene.
        folder: folder of the .npz files under their original names; by default where `data prepare` puts them.
    """

    published = DatasetInfo(
        name="md17",
        theory="PBE+TS",
        citation="Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015; coupled cluster: Chmiela, "
        "Sauceda, Müller, Tkatchenko, Nat. Commun. 9, 3887 (2018), doi:10.1038/s41467-018-06169-2",
        license="not stated",
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
            problem = f"MD17 has no {labels} labels of {molecule!r}"
            raise SettingError(self, "molecule", molecule, f"one of {', '.join(sorted(known))}", problem)
        self.molecule = molecule
        self.labels = labels

    @property
    @override
    def info(self) -> DatasetInfo:
        if self.labels == "DFT":
            return self.published
        return replace(self.published, theory=COUPLED_CLUSTER[self.molecule][1])

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"molecule": self.molecule, "labels": self.labels}

    @property
    @override
    def trajectory(self) -> Trajectory:
        return Trajectory(500.0, "" if self.labels == "DFT" else "PBE+TS")

    @property
    @override
    def elements(self) -> list[str]:
        return elements_of(self.require(self.files[0]))

    @property
    @override
    def files(self) -> list[Path]:
        if self.labels == "DFT":
            return [self.folder / f"{FILES[self.molecule]}.npz"]
        stem = COUPLED_CLUSTER[self.molecule][0]
        return [self.folder / f"{stem}-train.npz", self.folder / f"{stem}-test.npz"]

    @property
    @override
    def downloads(self) -> list[Download]:
        if self.labels == "DFT":
            return [Download(tuple(place + self.files[0].name for place in PLACES), self.files[0].name)]
        archive = f"{COUPLED_CLUSTER[self.molecule][0]}.zip"
        members = tuple((file.name, file.name) for file in self.files)
        return [Download(tuple(place + archive for place in PLACES), archive, members=members)]

    @override
    def read(self) -> Iterator[Frames]:
        for file in self.files:
            arrays = read_sgdml(self.require(file), needs_forces=True)
            claim = Claim(self.info.theory, "kcal/mol", names=(self.molecule, *OTHER_NAMES.get(self.molecule, ())))
            atoms = require_formula(arrays["z"], FORMULAS[self.molecule])
            claim.require(stated(arrays, file), f"{self.molecule} of MD17 ({self.info.theory})", file, *atoms)
            yield from conformers(arrays, file, self.molecule, KCAL_PER_MOL, 1.0, time=self.labels == "DFT")

    @override
    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Return the split `official` of the coupled-cluster frames."""
        if self.labels == "DFT":
            return {}
        train, test = (len(read_sgdml(file)["R"]) for file in self.files)
        return {"official": OfficialIndices(np.arange(train), np.arange(train, train + test))}
