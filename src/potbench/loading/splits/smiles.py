"""Splits by chemical likeness, where SMILES are known; by RDKit."""

from __future__ import annotations

from typing import Any

import numpy as np

from potbench.loading.splits.groups import GroupSplit
from potbench.loading.splits.sizes import KEY
from potbench.loading.store import Store
from potbench.structures import IntArray

ROWS_AT_ONCE = 256


class ScaffoldSplit(GroupSplit):
    """All molecules of a Bemis–Murcko scaffold on one side; those without rings go by their skeleton.

    The scaffold of a molecule without rings is empty; such molecules are told apart by the graph of their heavy atoms,
    elements and bond orders left out, or most small molecules would fall into one group.

    Source: Bemis, Murcko, J. Med. Chem. 39, 2887 (1996), doi:10.1021/jm9602928.
    """

    group = "scaffolds"

    def groups(self, store: Store) -> IntArray:  # noqa: D102
        unique, of_block = np.unique(store.smiles, return_inverse=True)
        found = molecules(unique, store)

        from rdkit.Chem import MolToSmiles
        from rdkit.Chem.Scaffolds import MurckoScaffold as murcko  # noqa: N813

        # numbered as they come: other versions of RDKit spell them otherwise
        numbers: dict[str, int] = {}
        of_molecule: list[int] = []
        for molecule in found:
            scaffold = murcko.GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
            if not scaffold.GetNumAtoms():
                scaffold = murcko.MakeScaffoldGeneric(molecule)  # type: ignore[no-untyped-call]
            of_molecule.append(numbers.setdefault(MolToSmiles(scaffold), len(numbers)))
        return np.array(of_molecule)[of_block]


class SimilaritySplit(GroupSplit):
    """All molecules of a cluster of like ones on one side: Tanimoto similarity of Morgan fingerprints, Butina's way.

    The molecule with the most neighbours makes the first cluster with them; then the one with the next most that is in
    no cluster, with those of its neighbours that are in none, and so on.

    Source: Butina, J. Chem. Inf. Comput. Sci. 39, 747 (1999), doi:10.1021/ci9803381.

    Args:
        threshold: similarity from which on two molecules are neighbours, between 0 and 1.
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
            raise ValueError(f"threshold is {threshold}, expected above 0 and up to 1. {KEY}threshold.")
        self.threshold = threshold

    def groups(self, store: Store) -> IntArray:  # noqa: D102
        unique, of_block = np.unique(store.smiles, return_inverse=True)
        found = molecules(unique, store)

        from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

        generator = GetMorganGenerator(radius=2, fpSize=1024)
        fingerprints = np.stack([generator.GetFingerprintAsNumPy(molecule) for molecule in found])
        neighbours = similar(fingerprints, self.threshold)
        cluster = np.full(len(unique), -1, dtype=np.int64)
        order = np.argsort([-len(near) for near in neighbours], kind="stable")
        num_clusters = 0
        for center in order:
            if cluster[center] == -1:
                near = neighbours[center]
                cluster[near[cluster[near] == -1]] = num_clusters
                num_clusters += 1
        return cluster[of_block]


def similar(fingerprints: IntArray, threshold: float) -> list[IntArray]:
    """Rows whose Tanimoto similarity, bits shared over bits of either, reaches a threshold: an array for each row.

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


def molecules(smiles: IntArray, store: Store) -> list[Any]:
    """RDKit's molecules of some SMILES, without their hydrogens.

    Raises:
        ValueError: a molecule has no SMILES, or one that cannot be read.
        ImportError: RDKit is not installed.
    """
    try:
        from rdkit.Chem import MolFromSmiles
        from rdkit.rdBase import BlockLogs
    except ImportError as error:
        raise ImportError(
            "Splits by chemical likeness need RDKit. Expected it installed: pip install 'potbench[rdkit]'; or change "
            "data.init_args.split."
        ) from error
    name = store.manifest.get("name")
    if not all(smiles):
        raise ValueError(
            f"{name} has molecules without SMILES, expected one for each. Change data.init_args.split, for instance to "
            "potbench.loading.MoleculeSplit."
        )
    found = []
    for text in smiles:
        with BlockLogs():  # what is wrong is said below
            molecule = MolFromSmiles(str(text))
        if molecule is None:
            raise ValueError(f"{name}: {str(text)!r} is no SMILES that RDKit can read. Change data.init_args.split.")
        found.append(molecule)
    return found
