"""Forces: whether they sum to zero, and whether they are the negative gradient of the energies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.near_frames import of_molecules
from potbench.data_quality.sample import grouped
from potbench.loading import Store
from potbench.structures import FloatArray, IntArray
from potbench.units import BOHR, HARTREE, KCAL_PER_MOL, MEV

FEWEST_PAIRS = 10
MANY_PAIRS = 20
# neighbors of stiff molecules are not near enough for a slope of exactly 1, and units differ by more
WITHIN = 0.3
UNLIKE = 0.4
FACTOR_OF_TWO = 0.7
# correlations from which on a slope says something, tells factors of ten apart, and tells lengths apart
CORRELATED = (0.7, 0.8, 0.97)
NEAREST = 0.01
# the grid of density functionals does not rotate with the molecule: of the torques on the atoms, it leaves below 0.6 %
# in the sample inside the package
SHARE_OF_GRID = 0.02
FINE = "as they should be"
# slope of ΔE against the work → what it means
FACTORS = {
    FINE: 1.0,
    "energies in hartree, forces in eV": 1 / HARTREE,
    "energies in eV, forces in hartree": HARTREE,
    "energies in eV, forces in kcal/mol": KCAL_PER_MOL,
    "energies in kcal/mol, forces in eV": 1 / KCAL_PER_MOL,
    "energies in kcal/mol, forces in hartree": HARTREE / KCAL_PER_MOL,
    "forces per bohr; state it as forces_unit": 1 / BOHR,
    "forces per Å, positions in bohr": BOHR,
}
PER_LENGTH = "bohr"


def net(store: Store, frames: IntArray) -> list[Finding]:
    """Compute the net force and torque of each frame of a sample."""
    if store.forces is None:
        return []
    frames = store.with_forces(frames)
    if not len(frames):
        return []
    forces, torques, shares, sizes, zero = [], [], [], [], 0
    for group in grouped(store, frames):
        assert group.forces is not None
        forces.append(np.linalg.norm(group.forces.sum(axis=1), axis=1))
        arms = group.positions - group.positions.mean(axis=1, keepdims=True)
        of_atoms = np.cross(arms, group.forces)
        torques.append(np.linalg.norm(of_atoms.sum(axis=1), axis=1))
        shares.append(torques[-1] / np.maximum(np.linalg.norm(of_atoms, axis=2).sum(axis=1), MEV))
        sizes.append(np.sqrt((group.forces**2).mean(axis=(1, 2))))
        zero += int((np.abs(group.forces).max(axis=(1, 2)) == 0).sum())
    if zero == len(frames):
        return [Finding("net force", Verdict.LOOK, "every force is exactly zero", "forces: these are equilibria")]
    size = float(np.median(np.concatenate(sizes)))
    return [
        _net_force(np.concatenate(forces), size),
        _net_torque(np.concatenate(torques), np.concatenate(shares)),
    ]


def _net_force(values: FloatArray, size: float) -> Finding:
    # a missing atom or an external field gives far more than loose convergence
    wrong = np.median(values) >= 0.2 * size
    verdict = Verdict.FINE if values.max() < 5 * MEV else Verdict.WRONG if wrong else Verdict.LOOK
    return _net("net force", values, verdict, "eV/Å", "kcal/mol/Å")


def _net_torque(values: FloatArray, shares: FloatArray) -> Finding:
    verdict = Verdict.FINE if values.max() < 5 * MEV or shares.max() < SHARE_OF_GRID else Verdict.LOOK
    return _net("net torque", values, verdict, "eV", "kcal/mol")


def _net(name: str, values: FloatArray, verdict: Verdict, unit: str, other: str) -> Finding:
    largest, middle = float(values.max()), float(np.median(values))
    seen = f"up to {largest:.1e} {unit} ({largest / KCAL_PER_MOL:.1e} {other}), median {middle:.1e}"
    return Finding(name, verdict, seen, "zero, but for rounding and loose convergence")


def consistent(store: Store, seed: int) -> Finding | None:
    """Fit ΔE as a multiple of the work −½(F₁+F₂)·Δx between frames that are nearest neighbors.

    The slope is 1 for forces, −1 for gradients, and a ratio of units where these are mixed.
    """
    name, expected = "forces and energies", "slope about 1: they are consistent"
    if store.forces is None:
        return None
    work, change, distance = np.concatenate([np.empty((0, 3)), *_pairs(store, seed)]).T
    # what the formula leaves out grows with the third power of the distance, the work with the first
    weights = np.maximum(distance, NEAREST) ** -4
    if len(work) < FEWEST_PAIRS or not np.abs(work).max():
        return Finding(name, Verdict.LOOK, f"undetermined: {len(work)} pairs of near frames", expected)
    square = float((weights * work**2).sum())
    slope = float((weights * work * change).sum()) / square
    error = float(np.sqrt(((change - slope * work) ** 2 * (weights * work) ** 2).sum())) / square
    norm = np.sqrt(square * float((weights * change**2).sum()))
    correlation = slope * square / norm if norm else 0.0
    seen = f"slope {slope:.4g} ± {error:.1g}, correlation {correlation:.3f}, of {len(work):,} pairs of near frames"
    precise = len(work) >= MANY_PAIRS and abs(correlation) > CORRELATED[2] and error < 0.05 * abs(slope)
    verdict, meaning = _judge(slope, correlation, precise)
    return Finding(name, verdict, f"{seen}: {meaning}" if meaning else seen, expected)


def _judge(slope: float, correlation: float, precise: bool) -> tuple[Verdict, str]:
    """Say what a slope means; the bounds are such that no subset of published trajectories is taken for wrong."""
    if abs(correlation) < CORRELATED[0]:
        return Verdict.LOOK, "undetermined"
    apart = {text: abs(np.log(abs(slope) / factor)) for text, factor in FACTORS.items()}
    # of frames that are far from each other, slopes are too small by up to a factor of two
    names = [text for text in FACTORS if precise or not text.endswith(PER_LENGTH)]
    nearest = min(names, key=lambda text: apart[text])
    matches = apart[nearest] < (WITHIN if precise else FACTOR_OF_TWO)
    certain = precise or (abs(correlation) > CORRELATED[1] and matches)
    if slope < 0:
        units = f", and {nearest}" if matches and nearest != FINE else ""
        return (Verdict.WRONG, f"the forces are gradients{units}") if certain else (Verdict.LOOK, "undetermined")
    if apart[FINE] < WITHIN:
        return Verdict.FINE, ""
    if apart[FINE] < UNLIKE or not certain or (matches and nearest == FINE):
        return Verdict.LOOK, "undetermined"
    return Verdict.WRONG, nearest if matches else "they are inconsistent"


def _pairs(store: Store, seed: int) -> Iterator[FloatArray]:
    """Yield the work, the change of energy and the distance, shape (pairs, 3), of near frames of some molecules."""
    for drawn in of_molecules(store, seed):
        frames = store.with_energy(store.with_forces(drawn))
        if len(frames) < 3:
            continue
        (group,) = grouped(store, frames)
        yield _neighbors(group.positions, group.forces, np.asarray(store.energy[frames]))


def _neighbors(positions: FloatArray, forces: FloatArray | None, energy: FloatArray) -> FloatArray:
    """Return work, change of energy and distance between frames and their nearest, of the nearest third: (pairs, 3)."""
    assert forces is not None
    num_atoms = positions.shape[1]
    if num_atoms < 2:
        return np.empty((0, 3))
    first, second = np.triu_indices(num_atoms, k=1)
    bags = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    squares = (bags**2).sum(axis=1)
    table = squares[:, None] + squares[None] - 2 * bags @ bags.T
    np.fill_diagonal(table, np.inf)
    nearest = table.argmin(axis=1)
    here = np.argsort(table.min(axis=1))[: max(FEWEST_PAIRS, len(table) // 3)]
    there = nearest[here]
    centered = positions - positions.mean(axis=1, keepdims=True)
    # rotate the neighbor and its forces onto the frame (Kabsch)
    left, _, right = np.linalg.svd(np.einsum("fai,faj->fij", centered[there], centered[here]))
    proper = np.sign(np.linalg.det(left @ right))
    left[:, :, 2] *= proper[:, None]
    rotation = left @ right
    step = centered[there] @ rotation - centered[here]
    mean = 0.5 * (forces[there] @ rotation + forces[here])
    distance = np.linalg.norm(step, axis=(1, 2))
    return np.stack([-(mean * step).sum(axis=(1, 2)), energy[there] - energy[here], distance], axis=1)
