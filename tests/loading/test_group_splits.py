from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit.Chem import MolFromSmiles
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.DataStructs import BulkTanimotoSimilarity

from potbench.errors import MissingPackageError, SettingError
from potbench.loading import (
    AtomsDataModule,
    CompositionSplit,
    KFold,
    MoleculeSplit,
    ScaffoldSplit,
    SimilaritySplit,
    Store,
)
from potbench.loading.manifest import Origin
from potbench.loading.splits.smiles import similar
from tests.native_files.made import frames

# SMILES and how often; the first two are isomers
SMILES = {
    "CCO": 10,
    "COC": 7,
    "c1ccccc1O": 5,
    "Cc1ccccc1": 8,
    "C1CC1N": 6,
    "CCCCCCN": 4,
    "CCCCCCO": 9,
    "N": 3,
    "O": 2,
    "C#N": 11,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Molecules named by their SMILES; some in two chunks; atoms as far as the names matter."""
    made = []
    for smiles, count in SMILES.items():
        chunk = frames("CH3CH2OH" if smiles in {"CCO", "COC"} else "CH4", count)
        numbers = chunk.atomic_numbers.copy()
        numbers[0] = 6 if smiles in {"CCO", "COC"} else 7 + len(made)
        chunk = chunk._replace(molecule=smiles, smiles=smiles, atomic_numbers=numbers)
        halves = (slice(count // 2), slice(count // 2, None))
        made += [chunk._replace(energy=chunk.energy[half], positions=chunk.positions[half]) for half in halves]
    return Store.write(tmp_path_factory.mktemp("store") / "store", made, Origin(name="made"))


def labels(store: Store, indices, label) -> list[set[str]]:
    """Return the labels of the molecules in each set."""
    names = np.array([label(name) for name in store.molecule_names])
    return [set(names[store.molecule_of(frames)]) for frames in indices]


def assert_apart(groups: list[set[str]]) -> None:
    assert sum(len(group) for group in groups) == len(set().union(*groups))
    assert all(groups)


RULES = [MoleculeSplit, CompositionSplit, ScaffoldSplit, SimilaritySplit]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_frame_is_in_one_set_and_no_molecule_in_two(store, rule, seed):
    indices = rule(0.6, *([] if rule is not SimilaritySplit else [0.6]), 0.2, 0.2, seed=seed).divide(store)
    assert np.sort(np.concatenate(indices)).tolist() == list(range(len(store)))
    assert_apart(labels(store, indices, str))


def test_isomers_stay_together_by_composition(store):
    formula = {"CCO": "C2H6O", "COC": "C2H6O"}
    for seed in range(10):
        indices = CompositionSplit(0.6, 0.2, 0.2, seed).divide(store)
        assert_apart(labels(store, indices, lambda name: formula.get(name, name)))


def test_molecules_of_a_scaffold_stay_together(store):
    scaffold = {"c1ccccc1O": "benzene", "Cc1ccccc1": "benzene", "CCCCCCN": "chain of 7", "CCCCCCO": "chain of 7"}
    for seed in range(10):
        apart = labels(store, ScaffoldSplit(0.6, 0.2, 0.2, seed).divide(store), lambda name: scaffold.get(name, name))
        assert_apart(apart)


def test_like_molecules_stay_together(store):
    like = {"CCCCCCN": "hexyl", "CCCCCCO": "hexyl"}
    for seed in range(10):
        indices = SimilaritySplit(0.4, 0.6, 0.2, 0.2, seed).divide(store)
        assert_apart(labels(store, indices, lambda name: like.get(name, name)))


@pytest.mark.parametrize("threshold", [0.2, 0.35, 0.6, 1.0])
def test_similar_molecules_are_those_of_rdkit(monkeypatch, threshold):
    # in pieces, as large sets are
    monkeypatch.setattr("potbench.loading.splits.smiles.ROWS_AT_ONCE", 3)
    generator = GetMorganGenerator(radius=2, fpSize=1024)
    prints = [generator.GetFingerprint(MolFromSmiles(smiles)) for smiles in SMILES]
    found = similar(np.array([list(fingerprint) for fingerprint in prints]), threshold)
    expected = [np.flatnonzero(np.array(BulkTanimotoSimilarity(one, prints)) >= threshold) for one in prints]
    assert [near.tolist() for near in found] == [near.tolist() for near in expected]


def test_at_threshold_one_clusters_are_molecules(store):
    one = SimilaritySplit(1.0).groups(store)
    assert len(set(one)) == len(SMILES)


@pytest.mark.parametrize("rule", RULES)
def test_the_same_seed_gives_the_same_sets_and_another_seed_others(store, rule):
    fingerprints = [rule(seed=seed).divide(store).fingerprint for seed in (0, 0, 1, 2, 3)]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) > 2


def test_fractions_are_of_frames_as_closely_as_molecules_allow(store):
    for seed in range(20):
        sizes = [len(frames) / len(store) for frames in MoleculeSplit(0.6, 0.2, 0.2, seed).divide(store)]
        assert sizes == pytest.approx([0.6, 0.2, 0.2], abs=11 / len(store))


def test_whole_numbers_are_of_molecules_and_may_leave_some_over(store):
    indices = MoleculeSplit(5, 2, 1).divide(store)
    assert [len(names) for names in labels(store, indices, str)] == [5, 2, 1]


def test_more_molecules_than_there_are_are_refused(store):
    with pytest.raises(SettingError, match=r"asks for 9 \+ 1 \+ 1 molecules of 10\.") as caught:
        MoleculeSplit(9, 1, 1).divide(store)
    assert (caught.value.owner, caught.value.setting) == (MoleculeSplit, "train")


def test_two_molecules_cannot_be_whole_in_three_sets(tmp_path):
    few = Store.write(tmp_path / "few", [frames("CH4", 9), frames("H2O", 9)])
    with pytest.raises(SettingError, match=r"does not divide molecules, and there are 2\. Expected three") as caught:
        MoleculeSplit().divide(few)
    assert (caught.value.owner, caught.value.setting) == (AtomsDataModule, "split")


def test_these_molecules_will_be_drawn_for_ever(store):
    # published numbers depend on the draw: a new numpy or a change of ours must not move it in silence
    _, validation, test = labels(store, MoleculeSplit(6, 2, 2, seed=0).divide(store), str)
    assert (validation, test) == ({"C#N", "c1ccccc1O"}, {"C1CC1N", "O"})


def test_molecules_without_smiles_are_refused(tmp_path):
    plain = Store.write(tmp_path / "plain", [frames("CH4", 3), frames("H2O", 3), frames("NH3", 3)], Origin(name="made"))
    with pytest.raises(SettingError, match=r"made has molecules without SMILES.*MoleculeSplit") as caught:
        ScaffoldSplit().divide(plain)
    assert (caught.value.owner, caught.value.setting) == (AtomsDataModule, "split")


def test_smiles_that_cannot_be_read_are_named(tmp_path):
    chunk = frames("CH4", 3)._replace(smiles="C(C")
    wrong = Store.write(tmp_path / "wrong", [chunk], Origin(name="made"))
    with pytest.raises(SettingError, match=r"made: 'C\(C' is not a SMILES"):
        SimilaritySplit().divide(wrong)


def test_without_rdkit_the_command_that_installs_it_is_said(store, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "rdkit"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=r"pip install 'potbench\[rdkit\]'"):
        ScaffoldSplit().divide(store)


@pytest.mark.parametrize("threshold", [0.0, 1.5, -1])
def test_a_threshold_that_cannot_be_is_refused(threshold):
    with pytest.raises(SettingError, match=r"threshold is .*expected more than 0 and at most 1"):
        SimilaritySplit(threshold)


@pytest.mark.parametrize("by_molecule", [True, False])
def test_every_frame_is_tested_by_exactly_one_fold(store, by_molecule):
    folds = [KFold(fold, 5, by_molecule=by_molecule, seed=3).divide(store) for fold in range(5)]
    tested = np.concatenate([fold.test for fold in folds])
    assert np.sort(tested).tolist() == list(range(len(store)))
    for fold in folds:
        assert np.sort(np.concatenate(fold)).tolist() == list(range(len(store)))
        if by_molecule:
            assert_apart(labels(store, fold, str))
    assert len({fold.fingerprint for fold in folds}) == 5


@pytest.mark.parametrize(
    ("arguments", "setting", "message"),
    [
        ((5, 5), "fold", "fold is 5, expected 0 to 4"),
        ((-1, 5), "fold", "fold is -1, expected 0 to 4"),
        ((0, 1), "num_folds", "num_folds is 1, expected 2 or more"),
        ((0, 5, 1.0), "validation", "validation is 1.0, expected a fraction between 0 and 1"),
        ((0, 66), "num_folds", "65 frames are too few for 66 folds"),
    ],
)
def test_folds_that_cannot_be_are_refused(store, arguments, setting, message):
    with pytest.raises(SettingError, match=message) as caught:
        KFold(*arguments).divide(store)
    assert (caught.value.owner, caught.value.setting) == (KFold, setting)
