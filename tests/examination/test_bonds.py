from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from potbench.examination.bonds import bond_changes, bonds_of, is_rotatable, named_bond, rotated, sides_of, stretched


def bonds(atoms: Atoms) -> np.ndarray:
    return bonds_of(atoms.numbers, atoms.positions)


def rotatable(atoms: Atoms) -> list[str]:
    found = bonds(atoms)
    return [
        named_bond(atoms.numbers, bond)
        for bond in found
        if is_rotatable(atoms.positions, bond, sides_of(found, bond, len(atoms)))
    ]


def test_bonds_part_a_molecule_in_two_but_not_those_of_rings() -> None:
    ethanol, benzene = molecule("CH3CH2OH"), molecule("C6H6")
    found = bonds(ethanol)
    assert len(found) == len(ethanol) - 1
    for bond in found:
        one, other = sides_of(found, bond, len(ethanol))
        assert one[bond[0]]
        assert other[bond[1]]
        assert (one ^ other).all()
    in_rings = [sides_of(bonds(benzene), bond, 12) is None for bond in bonds(benzene)]
    assert in_rings == [bool((bond < 6).all()) for bond in bonds(benzene)]
    assert sum(in_rings) == 6


def test_bonds_that_are_gone_and_new_are_named_and_those_that_are_a_little_longer_are_not() -> None:
    water = molecule("H2O")
    moved = water.positions.copy()
    assert bond_changes(water.numbers, water.positions, moved) == ""
    far = moved[1] - moved[0]
    moved[1] += 0.4 * far  # 0.39 Å: longer than a bond, as of a potential that is off
    assert len(bonds_of(water.numbers, moved)) == 1
    assert bond_changes(water.numbers, water.positions, moved) == ""
    moved[1] += 0.4 * far
    assert bond_changes(water.numbers, water.positions, moved) == "O–H (0, 1) is gone"
    assert bond_changes(water.numbers, moved, water.positions) == "O–H (0, 1) is new"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CH3CH2OH", ["C–C", "C–O"]),
        ("C2H6", ["C–C"]),
        ("H2O2", ["O–O"]),
        ("C6H6", []),  # a ring
        ("CH4", []),
        ("C2H2", []),  # all on the axis
        ("CH3CN", []),  # nothing off the axis behind
    ],
)
def test_rotatable_bonds_have_atoms_off_their_axis_on_both_sides(name: str, expected: list[str]) -> None:
    assert sorted(label.partition(" ")[0] for label in rotatable(molecule(name))) == expected


def test_a_bond_has_the_length_and_all_else_on_both_sides_stays() -> None:
    ethanol = molecule("CH3CH2OH")
    found = bonds(ethanol)
    before = ethanol.get_all_distances()
    for bond in found:
        one, other = sides_of(found, bond, len(ethanol))
        positions, motion = stretched(ethanol.positions, bond, other, np.array([0.8, 1.7]))
        for length, place in zip([0.8, 1.7], positions, strict=True):
            after = Atoms(ethanol.numbers, place).get_all_distances()
            assert after[tuple(bond)] == pytest.approx(length)
            assert np.allclose(after[np.ix_(one, one)], before[np.ix_(one, one)])
            assert np.allclose(after[np.ix_(other, other)], before[np.ix_(other, other)])
        assert np.allclose((positions[1] - positions[0]) / 0.9, motion[0])


def test_in_a_ring_two_atoms_alone_move() -> None:
    benzene = molecule("C6H6")
    (positions,), motion = stretched(benzene.positions, np.array([0, 1]), None, np.array([1.6]))
    assert np.linalg.norm(positions[1] - positions[0]) == pytest.approx(1.6)
    assert np.array_equal(positions[2:], benzene.positions[2:])
    assert np.allclose(motion.sum(axis=1), 0)


def test_rotations_are_those_of_ase() -> None:
    ethanol = molecule("CH3CH2OH")
    found = bonds(ethanol)
    for bond in found:
        sides = sides_of(found, bond, len(ethanol))
        if is_rotatable(ethanol.positions, bond, sides):
            angles = np.radians([0.0, 40.0, 360.0])
            positions, motion = rotated(ethanol.positions, bond, sides[1], angles)
            expected = ethanol.copy()
            vector = expected.positions[bond[1]] - expected.positions[bond[0]]
            part = expected[sides[1]]
            part.rotate(40, vector, center=expected.positions[bond[0]])
            expected.positions[sides[1]] = part.positions
            assert np.allclose(positions[1], expected.positions)
            assert np.allclose(positions[0], ethanol.positions)
            assert np.allclose(positions[2], ethanol.positions)
            ahead, _ = rotated(ethanol.positions, bond, sides[1], angles + 1e-6)
            assert np.allclose((ahead - positions) / 1e-6, motion, atol=1e-5)
