from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit.Chem import MolFromSmiles
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.DataStructs import BulkTanimotoSimilarity

from potbench.loading import CompositionSplit, KFold, MoleculeSplit, ScaffoldSplit, SimilaritySplit, Store
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
    """Molecules named by their SMILES; some in two blocks; atoms as far as the names matter."""
    made = []
    for smiles, count in SMILES.items():
        block = frames("CH3CH2OH" if smiles in {"CCO", "COC"} else "CH4", count)
        numbers = block.atomic_numbers.copy()
        numbers[0] = 6 if smiles in {"CCO", "COC"} else 7 + len(made)
        block = block._replace(molecule=smiles, smiles=smiles, atomic_numbers=numbers)
        halves = (slice(count // 2), slice(count // 2, None))
        made += [block._replace(energy=block.energy[part], positions=block.positions[part]) for part in halves]
    return Store.write(tmp_path_factory.mktemp("store") / "store", made, {"name": "made"})


def sides(store: Store, parts, label) -> list[set[str]]:
    """What of a label stands in each part."""
    names = np.array([label(name) for name in store.molecule_names])
    return [set(names[store.molecule_of(part)]) for part in parts]


def assert_apart(groups: list[set[str]]) -> None:
    assert sum(len(group) for group in groups) == len(set().union(*groups))
    assert all(groups)


RULES = [MoleculeSplit, CompositionSplit, ScaffoldSplit, SimilaritySplit]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_every_frame_is_in_one_part_and_no_molecule_on_two_sides(store, rule, seed):
    parts = rule(0.6, *([] if rule is not SimilaritySplit else [0.6]), 0.2, 0.2, seed=seed).divide(store)
    assert np.sort(np.concatenate(parts)).tolist() == list(range(len(store)))
    assert_apart(sides(store, parts, str))


def test_isomers_stay_together_by_composition(store):
    formula = {"CCO": "C2H6O", "COC": "C2H6O"}
    for seed in range(10):
        parts = CompositionSplit(0.6, 0.2, 0.2, seed).divide(store)
        assert_apart(sides(store, parts, lambda name: formula.get(name, name)))


def test_molecules_of_a_scaffold_stay_together(store):
    scaffold = {"c1ccccc1O": "benzene", "Cc1ccccc1": "benzene", "CCCCCCN": "chain of 7", "CCCCCCO": "chain of 7"}
    for seed in range(10):
        apart = sides(store, ScaffoldSplit(0.6, 0.2, 0.2, seed).divide(store), lambda name: scaffold.get(name, name))
        assert_apart(apart)


def test_like_molecules_stay_together(store):
    like = {"CCCCCCN": "hexyl", "CCCCCCO": "hexyl"}
    for seed in range(10):
        parts = SimilaritySplit(0.4, 0.6, 0.2, 0.2, seed).divide(store)
        assert_apart(sides(store, parts, lambda name: like.get(name, name)))


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
def test_the_same_seed_gives_the_same_parts_and_another_seed_others(store, rule):
    fingerprints = [rule(seed=seed).divide(store).fingerprint for seed in (0, 0, 1, 2, 3)]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) > 2


def test_fractions_are_of_frames_as_closely_as_molecules_allow(store):
    for seed in range(20):
        sizes = [len(part) / len(store) for part in MoleculeSplit(0.6, 0.2, 0.2, seed).divide(store)]
        assert sizes == pytest.approx([0.6, 0.2, 0.2], abs=11 / len(store))


def test_whole_numbers_are_of_molecules_and_may_leave_some_over(store):
    parts = MoleculeSplit(5, 2, 1).divide(store)
    assert [len(names) for names in sides(store, parts, str)] == [5, 2, 1]


def test_more_molecules_than_there_are_are_refused(store):
    with pytest.raises(ValueError, match=r"asks for 9 \+ 1 \+ 1 molecules of 10\."):
        MoleculeSplit(9, 1, 1).divide(store)


def test_two_molecules_cannot_be_kept_whole_in_three_parts(tmp_path):
    few = Store.write(tmp_path / "few", [frames("CH4", 9), frames("H2O", 9)], {})
    with pytest.raises(ValueError, match="keeps molecules whole, and there are 2"):
        MoleculeSplit().divide(few)


def test_these_molecules_will_be_drawn_for_ever(store):
    # published numbers depend on the draw: a new numpy or a change of ours must not move it in silence
    _, validation, test = sides(store, MoleculeSplit(6, 2, 2, seed=0).divide(store), str)
    assert (validation, test) == ({"C#N", "c1ccccc1O"}, {"C1CC1N", "O"})


def test_molecules_without_smiles_are_refused(tmp_path):
    plain = Store.write(tmp_path / "plain", [frames("CH4", 3), frames("H2O", 3), frames("NH3", 3)], {"name": "made"})
    with pytest.raises(ValueError, match=r"made has molecules without SMILES.*MoleculeSplit"):
        ScaffoldSplit().divide(plain)


def test_smiles_that_cannot_be_read_are_named(tmp_path):
    block = frames("CH4", 3)._replace(smiles="C(C")
    wrong = Store.write(tmp_path / "wrong", [block], {"name": "made"})
    with pytest.raises(ValueError, match=r"made: 'C\(C' is no SMILES"):
        SimilaritySplit().divide(wrong)


def test_without_rdkit_the_command_that_installs_it_is_said(store, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "rdkit"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'potbench\[rdkit\]'"):
        ScaffoldSplit().divide(store)


@pytest.mark.parametrize("threshold", [0.0, 1.5, -1])
def test_a_threshold_that_cannot_be_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold is .*expected above 0"):
        SimilaritySplit(threshold)


@pytest.mark.parametrize("by_molecule", [True, False])
def test_every_frame_is_tested_by_exactly_one_fold(store, by_molecule):
    folds = [KFold(fold, 5, by_molecule=by_molecule, seed=3).divide(store) for fold in range(5)]
    tested = np.concatenate([fold.test for fold in folds])
    assert np.sort(tested).tolist() == list(range(len(store)))
    for fold in folds:
        assert np.sort(np.concatenate(fold)).tolist() == list(range(len(store)))
        if by_molecule:
            assert_apart(sides(store, fold, str))
    assert len({fold.fingerprint for fold in folds}) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((5, 5), "fold is 5 of 5, expected 0 to num_folds"),
        ((0, 1), "fold is 0 of 1"),
        ((0, 5, 1.0), "validation fraction is 1.0"),
        ((0, 66), "65 frames are too few for 66 folds"),
    ],
)
def test_folds_that_cannot_be_are_refused(store, words, message):
    with pytest.raises(ValueError, match=message):
        KFold(*words).divide(store)
