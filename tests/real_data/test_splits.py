from __future__ import annotations

import ase.io
import numpy as np

from potbench.datasets import ANI1, ExtendedXYZ, Several
from potbench.loading import ColumnSplit, KFold, Store

FILES = {"train": "train_300K", "cold": "test_MD_300K", "hot": "test_MD_600K"}


def test_acetylacetone_trains_at_300_k_and_is_tested_at_both_temperatures(real_data, tmp_path):
    files = {name: real_data / "acac" / f"{file}.xyz" for name, file in FILES.items()}
    dataset = Several({name: ExtendedXYZ(file, "eV", "Å") for name, file in files.items()}, "acac")
    store = Store.write(tmp_path / "store", dataset.read())
    sets = ColumnSplit("file", "train", {"300 K": "cold", "600 K": "hot"}, validation=50).divide(store)
    assert [len(frames) for frames in sets] == [450, 50, 1300]
    for name, frames in zip(("cold", "hot"), sets.test_sets.values(), strict=True):
        energies = [image.get_potential_energy() for image in ase.io.iread(files[name], format="extxyz")]
        np.testing.assert_allclose(store.energy[frames], energies, rtol=1e-14)


def test_every_molecule_of_ani1_s_first_files_is_tested_once(real_data, tmp_path):
    store = Store.write(tmp_path / "store", ANI1(folder=real_data / "ani1", heavy_atoms=[1, 2]).read())
    names = sorted(set(store.molecule_names.tolist()))
    assert len(names) == 16
    tested = []
    for fold in range(8):
        sets = KFold(fold, 8, by_molecule=True).divide(store)
        of_set = [set(store.molecule_names[store.molecule_of(frames)].tolist()) for frames in sets]
        assert not of_set[2] & (of_set[0] | of_set[1])
        tested += of_set[2]
    assert sorted(tested) == names
