"""Splits by chemical similarity, where SMILES are known; by RDKit."""

from __future__ import annotations

from typing import Any

import numpy as np
from typing_extensions import override

from potbench.errors import MissingPackageError, SettingError
from potbench.loading.splits.groups import GroupSplit
from potbench.loading.splits.split import Split
from potbench.loading.store import Store
from potbench.structures import IntArray

ROWS_AT_ONCE = 256


class ScaffoldSplit(GroupSplit):
    """All molecules of a Bemis–Murcko scaffold in one set; those without rings are grouped by their skeleton.

    The scaffold of a molecule without rings is empty, and most small molecules would be one group; these are
    distinguished by the graph of their heavy atoms, without elements and bond orders.

    Source: Bemis, Murcko, J. Med. Chem. 39, 2887 (1996), doi:10.1021/jm9602928.
    """

    group = "scaffolds"

    @override
    def groups(self, store: Store) -> IntArray:
        unique, of_chunk = np.unique(store.smiles, return_inverse=True)
        found = molecules(unique, store, self)

        from rdkit.Chem import MolToSmiles
        from rdkit.Chem.Scaffolds import MurckoScaffold as murcko  # noqa: N813

        # numbered in order of appearance: versions of RDKit differ in how they spell them
        numbers: dict[str, int] = {}
        of_molecule: list[int] = []
        for molecule in found:
            scaffold = murcko.GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
            if not scaffold.GetNumAtoms():
                scaffold = murcko.MakeScaffoldGeneric(molecule)  # type: ignore[no-untyped-call]
            of_molecule.append(numbers.setdefault(MolToSmiles(scaffold), len(numbers)))
        return np.array(of_molecule)[of_chunk]


class SimilaritySplit(GroupSplit):
    """All molecules of a cluster in one set: Butina clusters by the Tanimoto similarity of Morgan fingerprints.

    The molecule with the most neighbors forms the first cluster with them; of the others, the one with the most
    neighbors forms the next with those of its neighbors that are in no cluster yet, and so on.

    Source: Butina, J. Chem. Inf. Comput. Sci. 39, 747 (1999), doi:10.1021/ci9803381.

    Args:
        threshold: similarity from which on two molecules are neighbors, between 0 and 1.
        train: fraction of the frames (all three add up to 1), or how many clusters (whole numbers).
        validation: likewise.
        test: likewise.
        seed: seed of the draw, independent of every other seed.
    """

    group = "clusters"

    def __init__(
        self, threshold: float = 0.6, train: float = 0.8, validation: float = 0.1, test: float = 0.1, seed: int = 0
    ) -> None:
        super().__init__(train, validation, test, seed)
        if not 0 < threshold <= 1:
            raise SettingError(self, "threshold", threshold, "more than 0 and at most 1")
        self.threshold = threshold

    @override
    def groups(self, store: Store) -> IntArray:
        unique, of_chunk = np.unique(store.smiles, return_inverse=True)
        found = molecules(unique, store, self)

        from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

        generator = GetMorganGenerator(radius=2, fpSize=1024)
        fingerprints = np.stack([generator.GetFingerprintAsNumPy(molecule) for molecule in found])
        neighbors = similar(fingerprints, self.threshold)
        cluster = np.full(len(unique), -1, dtype=np.int64)
        order = np.argsort([-len(near) for near in neighbors], kind="stable")
        num_clusters = 0
        for center in order:
            if cluster[center] == -1:
                near = neighbors[center]
                cluster[near[cluster[near] == -1]] = num_clusters
                num_clusters += 1
        return cluster[of_chunk]


def similar(fingerprints: IntArray, threshold: float) -> list[IntArray]:
    """Return, for each row, the rows whose Tanimoto similarity to it reaches a threshold.

    The similarity is the number of bits that both have over the number of bits that either has.

    Args:
        fingerprints: shape (molecules, bits), 0 or 1.
        threshold: between 0 and 1.
    """
    # float32 counts exactly up to 2²⁴, and its products are the fast ones
    bits = fingerprints.astype(np.float32)
    num_bits = bits.sum(axis=1)
    found: list[IntArray] = []
    for start in range(0, len(bits), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        shared = bits[rows] @ bits.T
        row, column = np.nonzero(shared / (num_bits[rows, None] + num_bits - shared) >= threshold)
        found += np.split(column.astype(np.int32), np.searchsorted(row, np.arange(1, len(shared))))
    return found


def molecules(smiles: IntArray, store: Store, split: Split) -> list[Any]:
    """Return RDKit's molecules of some SMILES, without their hydrogens.

    Args:
        smiles: shape (molecules,), text.
        store: where they are from.
        split: what needs them.

    Raises:
        SettingError: a molecule has no SMILES, or one that cannot be read.
        MissingPackageError: RDKit is not installed.
    """
    try:
        from rdkit.Chem import MolFromSmiles
        from rdkit.rdBase import BlockLogs
    except ImportError as error:
        raise MissingPackageError("rdkit", "Splits by chemical similarity need", "rdkit") from error
    name = store.manifest.name
    expected = "one for each molecule, or a split that needs none, such as potbench.loading.MoleculeSplit"
    if not all(smiles):
        raise split.unsuitable(f"{name} has molecules without SMILES", expected)
    found = []
    for text in smiles:
        with BlockLogs():  # the error below says what is wrong
            molecule = MolFromSmiles(str(text))
        if molecule is None:
            raise split.unsuitable(f"{name}: {str(text)!r} is not a SMILES that RDKit can read", expected)
        found.append(molecule)
    return found
