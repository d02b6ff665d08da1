"""Each thing that can be wrong with a dataset, planted into a healthy one, is found and named."""

from __future__ import annotations

import numpy as np
import pytest

from potbench.data_quality import Verdict, cheap, inspect
from potbench.datasets import RMD17, Sample
from potbench.errors import SettingError
from potbench.loading import Store
from potbench.loading.preparation import prepare
from potbench.structures import Frames
from potbench.units import BOHR, HARTREE, KCAL_PER_MOL
from tests.native_files.springs import healthy


def test_a_healthy_dataset_is_fine(found):
    verdicts = {name: finding.verdict for name, finding in found(healthy(), healthy("CH4", seed=1)).items()}
    assert set(verdicts.values()) == {Verdict.FINE}
    assert len(verdicts) == 13


def test_a_seed_below_zero_is_refused(store):
    with pytest.raises(SettingError, match="seed is -1, expected 0 or more"):
        inspect(store, 100, -1)


def test_the_cheap_findings_are_among_all(tmp_path):
    store = Store.write(tmp_path / "store", [healthy()])
    whole = {finding.name for finding in inspect(store, 2000, 0)}
    assert {finding.name for finding in cheap(store)} < whole


@pytest.mark.parametrize("key", ["energy", "positions", "forces"])
def test_values_that_are_not_finite_are_counted(found, key):
    chunk = healthy()
    array = getattr(chunk, key).copy()
    array[3] = np.nan
    finding = found(chunk._replace(**{key: array}))["numbers"]
    assert finding.verdict is Verdict.WRONG
    assert ("energies" if key == "energy" else key) in finding.seen


def test_copies_of_frames_are_counted(found):
    chunk = healthy()
    positions = chunk.positions.copy()
    positions[50:60] = positions[10]
    finding = found(chunk._replace(positions=positions))["copies"]
    assert finding.verdict is Verdict.LOOK
    assert finding.seen == "10 of 200 frames are copies of another, such as that of frame 10"


def test_copies_with_other_labels_are_wrong_and_the_column_that_tells_them_apart_is_named(found):
    chunk = healthy()
    positions, energy, forces = chunk.positions.copy(), chunk.energy.copy(), chunk.forces.copy()
    positions[50:60], energy[50:60], forces[50:60] = positions[10], energy[10], forces[10]
    assert found(chunk._replace(positions=positions, energy=energy, forces=forces))["contradicting labels"].verdict is (
        Verdict.FINE
    )
    energy[50:60] += 12.0
    columns = {"charge": np.where(np.isin(np.arange(200), range(50, 60)), 1.0, 0.0), "temperature": np.full(200, 300.0)}
    finding = found(chunk._replace(positions=positions, energy=energy, forces=forces, columns=columns))[
        "contradicting labels"
    ]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.startswith("10 of 10 copies have other labels, such as frames 10 and 50 (")
    assert finding.seen.endswith("told apart by charge, which no potential here knows of")
    forces[50, 0] += 0.1
    energy[50:60] = energy[10]
    finding = found(chunk._replace(positions=positions, energy=energy, forces=forces))["contradicting labels"]
    assert finding.seen.startswith("1 of 10 copies")


def test_other_elements_in_the_same_places_are_no_copies(found):
    chunk = healthy()
    other = chunk._replace(molecule="other", atomic_numbers=chunk.atomic_numbers[::-1].copy())
    assert found(chunk, other)["copies"].verdict is Verdict.FINE


def test_labels_that_are_not_known_are_not_examined(found):
    chunk = healthy()
    energy, forces = chunk.energy.copy(), chunk.forces.copy()
    energy[3:40], forces[20:60] = 0.0, 0.0
    lacking = chunk._replace(
        energy=energy,
        forces=forces,
        energy_known=~np.isin(np.arange(200), range(3, 40)),
        forces_known=~np.isin(np.arange(200), range(20, 60)),
    )
    assert {finding.verdict for finding in found(lacking, healthy("CH4", seed=1)).values()} == {Verdict.FINE}


def test_frames_that_are_nearly_copies_are_counted(found):
    chunk = healthy()
    positions = np.repeat(chunk.positions[:100], 2, axis=0) + np.random.default_rng(1).normal(
        scale=1e-5, size=chunk.positions.shape
    )
    assert found(chunk._replace(positions=positions))["copies"].verdict is Verdict.FINE
    assert found(chunk._replace(positions=positions))["near copies"].verdict is Verdict.LOOK


def test_atoms_on_top_of_each_other_are_found(found):
    chunk = healthy()
    positions = chunk.positions.copy()
    positions[17, 4] = positions[17, 0] + [0.1, 0.2, 0.1]
    finding = found(chunk._replace(positions=positions))["atoms too close"]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.startswith("1 of 200 frames, such as 17;")


def test_atoms_flown_apart_are_found(found):
    chunk = healthy()
    positions = chunk.positions.copy()
    positions[17, 4] += 8.0
    finding = found(chunk._replace(positions=positions))["atoms flown apart"]
    assert finding.verdict is Verdict.LOOK
    assert finding.seen.startswith("1 of 200 frames, such as 17;")


@pytest.mark.parametrize(("factor", "unit"), [(1 / BOHR, "bohr"), (0.1, "nm")])
def test_positions_in_another_unit_are_named(found, factor, unit):
    chunk = healthy()
    finding = found(chunk._replace(positions=chunk.positions * factor))["unit of positions"]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.endswith(f"positions in {unit}, read as Å?")


@pytest.mark.parametrize(
    ("factor", "unit"), [(1 / HARTREE, "hartree"), (1 / KCAL_PER_MOL, "kcal/mol"), (96.485, "kJ/mol"), (1000, "meV")]
)
def test_energies_in_another_unit_are_named(found, factor, unit):
    chunk = healthy()
    finding = found(chunk._replace(energy=chunk.energy * factor))["unit of energies"]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.endswith(f"in {unit}, not in eV")


def test_energies_without_their_offsets_are_noticed(found):
    chunk = healthy()
    finding = found(chunk._replace(energy=chunk.energy - chunk.energy.mean() - 30))["unit of energies"]
    assert finding.verdict is Verdict.LOOK
    assert "offsets are removed" in finding.seen


def test_an_energy_far_from_those_of_its_molecule_is_found(found):
    chunk = healthy()
    energy = chunk.energy.copy()
    energy[99] += 50.0
    finding = found(chunk._replace(energy=energy), healthy("CH4", seed=1))["energy outliers"]
    assert finding.verdict is Verdict.LOOK
    assert finding.seen.startswith("1 of 400 frames; farthest 99 (+")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda forces: -forces, "the forces are gradients"),
        (lambda forces: forces / HARTREE, "energies in eV, forces in hartree"),
        (lambda forces: -forces / HARTREE, "the forces are gradients, and energies in eV, forces in hartree"),
        (lambda forces: forces / KCAL_PER_MOL, "energies in eV, forces in kcal/mol"),
        (lambda forces: forces * BOHR, "forces per bohr; state it as forces_unit"),
        (lambda forces: forces * 5, "they are inconsistent"),
    ],
)
def test_forces_of_another_sign_or_unit_are_named(found, change, says):
    chunk = healthy()
    finding = found(chunk._replace(forces=change(chunk.forces)))["forces and energies"]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.endswith(says)


def test_gradients_are_found_where_molecules_alternate(found):
    molecules = [healthy(), healthy("CH4", seed=1)]

    def frame(chunk, number):
        positions, energy, forces = (
            each[number : number + 1] for each in (chunk.positions, chunk.energy, chunk.forces)
        )
        return chunk._replace(positions=positions, energy=energy, forces=-forces)

    finding = found(*(frame(chunk, number) for number in range(200) for chunk in molecules))["forces and energies"]
    assert finding.verdict is Verdict.WRONG
    assert finding.seen.endswith("the forces are gradients")


def test_energies_in_hartree_with_forces_in_ev_are_named(found):
    chunk = healthy()
    finding = found(chunk._replace(energy=chunk.energy / HARTREE))["forces and energies"]
    assert finding.seen.endswith("energies in hartree, forces in eV")


def test_forces_of_other_frames_are_not_taken_for_right(found):
    chunk = healthy()
    finding = found(chunk._replace(forces=chunk.forces[np.random.default_rng(1).permutation(200)]))
    assert finding["forces and energies"].verdict is not Verdict.FINE


def test_rotated_frames_are_still_neighbors(found):
    from scipy.spatial.transform import Rotation

    chunk = healthy()
    rotations = Rotation.random(200, rng=0).as_matrix()
    rotated = [np.einsum("fij,faj->fai", rotations, array) for array in (chunk.positions, chunk.forces)]
    finding = found(chunk._replace(positions=rotated[0], forces=rotated[1]))["forces and energies"]
    assert finding.verdict is Verdict.FINE


def test_a_net_force_is_seen(found):
    chunk = healthy()
    noisy = found(chunk._replace(forces=chunk.forces + 0.001))["net force"]
    broken = found(chunk._replace(forces=chunk.forces[:, :, ::-1] + chunk.forces.std()))["net force"]
    assert noisy.verdict is Verdict.LOOK
    assert broken.verdict is Verdict.WRONG


def test_forces_that_are_all_zero_are_said_to_be(found):
    chunk = healthy()
    findings = found(chunk._replace(forces=np.zeros_like(chunk.forces)))
    assert findings["net force"].seen == "every force is exactly zero"
    assert "undetermined" in findings["forces and energies"].seen


def test_molecules_with_a_single_frame_have_no_near_frames(found):
    chunks = [healthy(seed=seed, num_frames=1)._replace(molecule=str(seed)) for seed in range(30)]
    finding = found(*chunks)["forces and energies"]
    assert finding.verdict is Verdict.LOOK
    assert finding.seen == "undetermined: 0 pairs of near frames"


def test_without_forces_nothing_is_said_of_them(found):
    assert not {"net force", "net torque", "forces and energies"} & set(found(healthy()._replace(forces=None)))


def test_the_sample_has_nothing_wrong(tmp_path):
    findings = inspect(prepare(Sample(), tmp_path), 20_000, 0)
    assert not [finding for finding in findings if finding.verdict is not Verdict.FINE]


@pytest.mark.parametrize(("share", "verdict"), [(0.0, Verdict.FINE), (0.05, Verdict.LOOK)])
def test_forces_that_turn_a_molecule_deserve_a_look(found, share, verdict):
    chunk = healthy()
    arms = chunk.positions - chunk.positions.mean(axis=1, keepdims=True)
    around = np.cross(np.array([0.0, 0.0, 1.0]), arms)
    turning = share * np.abs(chunk.forces).max() * around / np.abs(around).max()
    assert (
        found(chunk._replace(forces=chunk.forces + turning.astype(chunk.forces.dtype)))["net torque"].verdict is verdict
    )


@pytest.mark.parametrize("labels", ["revised", "original"])
def test_real_trajectories_have_nothing_wrong_and_the_noise_of_md17_is_seen(real_data, tmp_path, labels):
    dataset = RMD17("ethanol", labels, folder=real_data / "rmd17")
    findings = {finding.name: finding for finding in inspect(prepare(dataset, tmp_path), 2000, 0)}
    assert Verdict.WRONG not in {finding.verdict for finding in findings.values()}
    expected = Verdict.FINE if labels == "revised" else Verdict.LOOK
    assert findings["net force"].verdict is expected


@pytest.mark.parametrize("num_frames", [25, 45, 300])
def test_subsets_of_real_trajectories_are_not_taken_for_wrong_and_gradients_are_seen(real_data, tmp_path, num_frames):
    file = np.load(real_data / "rmd17/rmd17_ethanol_train_01.npz")
    random = np.random.default_rng(0)
    verdicts = {1: [], -1: []}
    for draw in range(8):
        frames = random.choice(1000, num_frames, replace=False)
        for sign in verdicts:
            chunk = Frames(
                "ethanol",
                file["nuclear_charges"],
                file["coords"][frames],
                file["energies"][frames] * KCAL_PER_MOL,
                sign * file["forces"][frames] * KCAL_PER_MOL,
            )
            store = Store.write(tmp_path / f"{draw} {sign}", [chunk])
            verdicts[sign].append(Verdict.WRONG in {finding.verdict for finding in cheap(store)})
    assert sum(verdicts[1]) == 0
    assert sum(verdicts[-1]) >= {25: 3, 45: 6, 300: 8}[num_frames], verdicts[-1]


@pytest.mark.parametrize("frames", [range(80), range(40, 50), range(5, 80, 8), range(60, 80), range(10, 28)])
def test_a_bond_that_is_pulled_apart_is_not_taken_for_wrong(found, frames):
    distances = np.linspace(0.4, 6.0, 80)[list(frames)]
    stretch = 1 - np.exp(-1.94 * (distances - 0.741))
    positions = np.stack([np.zeros((len(frames), 3)), distances[:, None] * [0, 0, 1]], axis=1)
    pull = 2 * 4.75 * 1.94 * stretch * (1 - stretch)  # of a Morse curve of H2
    forces = np.stack([pull[:, None] * [0, 0, 1], -pull[:, None] * [0, 0, 1]], axis=1)
    chunk = Frames("H2", np.array([1, 1]), positions, 4.75 * (stretch**2 - 1) - 27.2, forces)
    findings = found(chunk)
    assert not [finding for finding in findings.values() if finding.verdict is Verdict.WRONG]
