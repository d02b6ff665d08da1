"""rMD17: frames of MD17, recomputed with tight convergence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import DatasetInfo, OfficialIndices, Trajectory
from potbench.datasets.md17 import FORMULAS, OTHER_NAMES, Molecule
from potbench.datasets.published import Published
from potbench.downloads.address import Download
from potbench.errors import DataFileError, SettingError
from potbench.readers.checks import check_frames
from potbench.readers.indices import read_indices
from potbench.readers.npz import REAL, WHOLE, Arrays, read_npz, require_formula, stated, text
from potbench.readers.stated import Claim
from potbench.structures import SYMBOLS, Frames, IntArray
from potbench.units import KCAL_PER_MOL

FIGSHARE = "https://ndownloader.figshare.com/files/"
FOLDS = ("01", "02", "03", "04", "05")
NEEDED = {
    "nuclear_charges": WHOLE,
    "old_indices": WHOLE,
    **dict.fromkeys(("coords", "energies", "forces", "old_energies", "old_forces"), REAL),
}

# number on figshare, md5 as figshare states it, and size in bytes
FILES = {
    "aspirin": ("62265757", "17fd6fb69066888613f7e16b358a7553", 153_601_803),
    "azobenzene": ("62265754", "be79df918468eb3579aa73a0becf7390", 175_180_782),
    "benzene": ("62265739", "18c9242bc90fbf28215f6dd81e650f16", 88_801_794),
    "ethanol": ("62265733", "eb837fb8deb27d4e0d52f71a03aff776", 67_201_791),
    "malonaldehyde": ("62265736", "cdc1d70c0c34062ddde6e5071eb6fe21", 67_201_791),
    "naphthalene": ("62265751", "0efba19c9907e3852318b1e6008b3b9e", 132_001_800),
    "paracetamol": ("62265760", "ba10784f7b67635427085f6d7ec2dd97", 146_401_802),
    "salicylic": ("62265748", "900fedf242da438400fa4293348d7dd1", 117_601_798),
    "toluene": ("62265742", "0f2913d51f8149c90ab28d697a076f64", 110_401_797),
    "uracil": ("62265745", "992a4479c28a07e0cce6da964805be31", 88_801_794),
    "index_train_01": ("62265793", "22264dcf2e42d6133362411abbbe4ce8", None),
    "index_train_02": ("62265772", "28dbc9a3d5e7c47e653b1cc01809df35", None),
    "index_train_03": ("62265775", "8de68b1b288c790e633c9d05ff5f04dd", None),
    "index_train_04": ("62265766", "3764257abf8121a0905f364468ba83da", None),
    "index_train_05": ("62265778", "4670362bd554c9c22581c936432236b3", None),
    "index_test_01": ("62265781", "124c8a0849e84e244d6ce8424e1c05cf", None),
    "index_test_02": ("62265769", "9dc098724c1680daca038b785ee4f602", None),
    "index_test_03": ("62265787", "fd96f4623291dc23dd80b24dd634ca0b", None),
    "index_test_04": ("62265790", "f0acce759fa4fe46b3a0b2a450e7e260", None),
    "index_test_05": ("62265784", "4892da12e88a3c30c9a15f1f95e6eaac", None),
}


class Fold(NamedTuple):
    """Name and files of an official split."""

    name: str
    train: Path
    test: Path


class RMD17(Published):
    """Energies and forces of 100,000 frames of each of ten molecules, with five official splits of 1000 + 1000.

    The frames are those of MD17, shuffled, recomputed at PBE/def2-SVP on tight grids; `labels: original` reads the
    noisier energies and forces of MD17 itself. Consecutive frames of a trajectory are alike: the authors advise against
    training on more than 1000 frames.

    Source: Christensen, von Lilienfeld, Mach. Learn.: Sci. Technol. 1, 045018 (2020), doi:10.1088/2632-2153/abba6f.

    Args:
        molecule: which of the ten.
        labels: energies and forces of rMD17 (revised), or those of MD17 for the same frames (original).
        folder: folder of rmd17_<molecule>.npz and index_<train|test>_<01…05>.csv; or of the frames of some official
            splits alone, rmd17_<molecule>_<train|test>_<01…05>.npz; by default where `data prepare` puts them.
    """

    published = DatasetInfo(
        name="rmd17",
        theory="PBE/def2-SVP",
        citation="Christensen, von Lilienfeld, Mach. Learn.: Sci. Technol. 1, 045018 (2020), "
        "doi:10.1088/2632-2153/abba6f",
        license="CC0 1.0",
        has_forces=True,
        molecules=10,
        frames=999_988,
        elements=("H", "C", "N", "O"),
        size="67 to 175 MB a molecule",
    )

    def __init__(
        self,
        molecule: Molecule,
        labels: Literal["revised", "original"] = "revised",
        folder: Path | str | None = None,
    ) -> None:
        super().__init__(folder)
        if molecule not in get_args(Molecule):
            raise SettingError(self, "molecule", molecule, f"one of {', '.join(get_args(Molecule))}")
        self.molecule = molecule
        self.labels = labels

    @property
    @override
    def info(self) -> DatasetInfo:
        return self.published if self.labels == "revised" else replace(self.published, theory="PBE+TS")

    @property
    @override
    def options(self) -> dict[str, object]:
        return {"molecule": self.molecule, "labels": self.labels}

    @property
    @override
    def trajectory(self) -> Trajectory:
        return Trajectory(500.0, "PBE+TS" if self.labels == "revised" else "")

    @property
    @override
    def elements(self) -> list[str]:
        file = self.require(self._halves[0].train if self._halves else self._whole)
        numbers = read_npz(file, NEEDED)["nuclear_charges"]
        return [SYMBOLS[number] for number in np.unique(numbers)]

    @property
    @override
    def files(self) -> list[Path]:
        if self._halves:
            return [file for fold in self._halves for file in (fold.train, fold.test)]
        return [self._whole, *(file for fold in self._folds for file in (fold.train, fold.test))]

    @property
    @override
    def downloads(self) -> list[Download]:
        names = [self.molecule, *(name for name in FILES if name.startswith("index"))]
        targets = [self._whole.name, *(f"{name}.csv" for name in names[1:])]
        return [
            Download((FIGSHARE + FILES[name][0],), target, f"md5:{FILES[name][1]}", FILES[name][2])
            for name, target in zip(names, targets, strict=True)
        ]

    @override
    def read(self) -> Iterator[Frames]:
        arrays = self._arrays
        atoms = require_formula(arrays["nuclear_charges"], FORMULAS[self.molecule])
        claim = Claim(self.info.theory, "kcal/mol", names=(self.molecule, *OTHER_NAMES.get(self.molecule, ())))
        claim.require(
            stated(arrays, self.files[0]), f"{self.molecule} of rMD17 ({self.info.theory})", self.files[0], *atoms
        )
        prefix = "" if self.labels == "revised" else "old_"
        frames = Frames(
            molecule=self.molecule,
            atomic_numbers=arrays["nuclear_charges"],
            positions=arrays["coords"],
            energy=arrays[f"{prefix}energies"] * KCAL_PER_MOL,
            forces=arrays[f"{prefix}forces"] * KCAL_PER_MOL,
            time=arrays["old_indices"],
        )
        yield check_frames(frames, str(self.files[0]))

    @override
    def official_splits(self) -> Mapping[str, OfficialIndices]:
        """Return the splits 01 to 05 whose files exist."""
        find = self._frames_of_half if self._halves else self._frames_of_list
        splits = {fold.name: OfficialIndices(find(fold.train), find(fold.test)) for fold in self._halves or self._folds}
        usual = Counter((len(split.train), len(split.test)) for split in splits.values()).most_common(1)
        for fold in self._halves or self._folds:
            split = splits[fold.name]
            if (len(split.train), len(split.test)) != usual[0][0]:
                raise DataFileError(
                    f"{fold.train} and {fold.test} list {len(split.train):,} and {len(split.test):,} frames, those of "
                    f"other splits {usual[0][0][0]:,} and {usual[0][0][1]:,}. Expected as many; fetch them again."
                )
        return splits

    @cached_property
    def _arrays(self) -> Arrays:
        if not self._halves:
            return read_npz(self.require(self._whole), NEEDED)
        halves = [read_npz(half, NEEDED) for fold in self._halves for half in (fold.train, fold.test)]
        numbers = {"nuclear_charges": halves[0]["nuclear_charges"]}
        texts = {name: half[name] for half in halves for name in half if text(half, name)}
        if any(not np.array_equal(half["nuclear_charges"], numbers["nuclear_charges"]) for half in halves):
            raise DataFileError(f"{self.folder}: the files of {self.molecule} differ in their nuclear_charges.")
        # a frame of several official splits is read once, in the order of the trajectory
        joined = {name: np.concatenate([half[name] for half in halves]) for name in NEEDED if name not in numbers}
        first = np.unique(joined["old_indices"], return_index=True)[1]
        return {**texts, **numbers, **{name: array[first] for name, array in joined.items()}}

    def _frames_of_half(self, half: Path) -> IntArray:
        return np.searchsorted(self._arrays["old_indices"], read_npz(half, NEEDED)["old_indices"])

    def _frames_of_list(self, file: Path) -> IntArray:
        return read_indices(file, len(self._arrays["energies"]))

    @property
    def _whole(self) -> Path:
        return self.folder / f"rmd17_{self.molecule}.npz"

    @cached_property
    def _halves(self) -> list[Fold]:
        # the complete file has precedence
        return [] if self._whole.is_file() else self._complete(f"rmd17_{self.molecule}_{{}}_{{}}.npz")

    @property
    def _folds(self) -> list[Fold]:
        return self._complete("index_{}_{}.csv")

    def _complete(self, pattern: str) -> list[Fold]:
        folds = [
            Fold(name, self.folder / pattern.format("train", name), self.folder / pattern.format("test", name))
            for name in FOLDS
        ]
        return [fold for fold in folds if fold.train.is_file() and fold.test.is_file()]
