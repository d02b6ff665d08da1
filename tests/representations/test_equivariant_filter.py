import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.representations import EquivariantFilter
from potbench.representations.spherical_tensors import of_directions

SMALL = {"num_features": 8, "num_interactions": 2}


def features(positions, symbol="H", number=1, **settings):
    torch.manual_seed(0)
    count = np.array([len(positions)])
    batch = Batch.from_arrays(np.full(len(positions), number), np.array(positions, dtype=float), count, np.zeros(1))
    representation = EquivariantFilter([symbol], **{**SMALL, **settings}).double()
    found = representation(batch.with_positions(batch.positions.double()), torch.zeros_like(batch.atomic_numbers))
    return found.detach()


@pytest.mark.parametrize(("distance", "interact"), [(4.8, True), (5.01, False)])
def test_atoms_beyond_the_cutoff_do_not_interact(distance, interact):
    alone = features([[0, 0, 0]])
    with_another = features([[0, 0, 0], [distance, 0, 0]])
    assert ((with_another[:1] - alone).abs().max() > 1e-6) == interact


def cross(angle):
    """An atom with four neighbors in a plane: two opposite ones, and two others at an angle to these."""
    turned = np.array([np.cos(angle), np.sin(angle), 0])
    return [np.zeros(3), [1, 0, 0], [-1, 0, 0], turned, -turned]


def without_matrices(directions, max_l):
    vectors, matrices, *more = of_directions(directions, max_l)
    return [vectors, 0 * matrices, *more]


@pytest.mark.parametrize("with_matrices", [True, False])
def test_an_atom_sees_angles_where_vectors_cancel(monkeypatch, with_matrices):
    """Directions add up to zero at all angles, their matrices do not; the neighbors are too far from one another."""
    if not with_matrices:
        monkeypatch.setattr("potbench.representations.equivariant_filter.of_directions", without_matrices)
    settings = {"num_interactions": 1, "cutoff": 1.05}
    one, other = (features(cross(angle), **settings)[0] for angle in (1.1, np.pi / 2))
    assert ((one - other).abs().max() > 1e-7) == with_matrices


CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
"""Of a tetrahedron."""


def two_tetrahedra(angle):
    """An atom amid two tetrahedra, of which one is turned."""
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return [np.zeros(3), *CORNERS, *(CORNERS @ turn)]


@pytest.mark.parametrize("max_l", [2, 3])
def test_an_atom_sees_with_tensors_of_degree_3_where_vectors_and_matrices_cancel(max_l):
    one, other = (features(two_tetrahedra(angle), num_interactions=1, max_l=max_l)[0] for angle in (0.3, 1.0))
    assert ((one - other).abs().max() > 1e-7) == (max_l == 3)


def test_weights_of_earlier_versions_are_those_of_the_same_potential():
    representation, other = (EquivariantFilter(["H"], **SMALL) for _ in range(2))
    names = {"mixed.0": "vectors", "mixed.1": "matrices"}
    earlier = {
        next((key.replace(now, then) for now, then in names.items() if now in key), key): value
        for key, value in representation.state_dict().items()
    }
    assert sum("vectors" in key or "matrices" in key for key in earlier) == 4
    other.load_state_dict(earlier)
    for name, value in representation.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_l", 1),
        ("num_features", 0),
        ("num_interactions", 0),
        ("cutoff", 0),
        ("basis_spacing", 0),
        ("basis_spacing", 5.1),
    ],
)
def test_a_size_that_is_not_possible_is_refused(setting, value):
    with pytest.raises(SettingError, match=setting):
        features([[0, 0, 0]], **{setting: value})


@pytest.mark.parametrize(("symbol", "number"), [("Es", 99), ("Og", 118)])
def test_no_element_is_too_heavy(symbol, number):
    assert features([[0, 0, 0], [2, 0, 0]], symbol, number).isfinite().all()


def curvature(representation, step):
    """Slope of the force on an atom amid a tetrahedron, where vectors and matrices are zero, over a displacement."""
    corners = 0.63 * CORNERS
    numbers, count = np.full(5, 1), np.array([5])
    forces = []
    for place in (step, -step):
        positions = torch.tensor(np.array([[place, 0, 0], *corners]), requires_grad=True)
        batch = Batch.from_arrays(numbers, positions.detach().numpy(), count, np.zeros(1)).with_positions(positions)
        energy = representation(batch, torch.zeros_like(batch.atomic_numbers)).sum()
        forces.append(float(torch.autograd.grad(energy, positions)[0][0, 0]))
    return (forces[0] - forces[1]) / (2 * step)


def test_energies_are_smooth_where_the_surroundings_of_an_atom_are_symmetric():
    torch.manual_seed(0)
    representation = EquivariantFilter(["H"], **SMALL).double()
    assert curvature(representation, 1e-2) == pytest.approx(curvature(representation, 1e-4), rel=0.1)
    # as they are not with lengths that have a kink at zero, which weights of earlier versions were trained with
    earlier = {name: value for name, value in representation.state_dict().items() if not name.endswith("softness")}
    representation.load_state_dict(earlier)
    assert abs(curvature(representation, 1e-4)) > 3 * abs(curvature(representation, 1e-2))
    # and once loaded, they are saved with their weights
    again = EquivariantFilter(["H"], **SMALL).double()
    again.load_state_dict(representation.state_dict())
    assert curvature(again, 1e-3) == curvature(representation, 1e-3)
