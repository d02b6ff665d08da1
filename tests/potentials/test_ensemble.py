from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench import laws
from potbench.batch import Batch
from potbench.errors import SettingError, UnknownMoleculeError
from potbench.inference.calculator import Calculator
from potbench.laws.precision import default_dtype
from potbench.potentials import Composition, Ensemble, Potential
from potbench.potentials import ensemble_at_once as at_once
from tests.inference.toy import Springs
from tests.physics.conftest import rattled
from tests.physics.potentials import CONFIGS, build

FILES = {path.stem: path for path in CONFIGS}
SHARED = ["ani_feed_forward", "ani_attention", "ani_residual", "ace"]
ALONE = ["schnet", "ani_hybrid", "pairwise"]


@pytest.fixture(autouse=True)
def _float64():
    with default_dtype(torch.float64):
        yield


@pytest.fixture(scope="module")
def batch() -> Batch:
    with default_dtype(torch.float64):
        return Batch.from_frames(*(rattled(name, seed) for seed, name in enumerate(["CH3OH", "O", "HCN", "H2O"])))


def members(name: str, number: int = 3) -> list[Potential]:
    return [build(FILES[name], seed) for seed in range(number)]


def ensemble(name: str, number: int = 3) -> Ensemble:
    found = members(name, number)
    return Ensemble(found[0].elements, found).eval()


def require_mean_and_spread(of: Ensemble, batch: Batch) -> None:
    found = of(batch, forces=True)
    alone = [member(batch, forces=True) for member in of]
    for name, spread in (("energy", "energy_spread"), ("forces", "forces_spread")):
        values = torch.stack([getattr(each, name) for each in alone]).detach()
        torch.testing.assert_close(getattr(found, name), values.mean(dim=0), atol=1e-10, rtol=1e-10)
        torch.testing.assert_close(getattr(found, spread), values.std(dim=0), atol=1e-10, rtol=1e-10)
    atomic = torch.stack([each.atomic_energies for each in alone]).mean(dim=0)
    torch.testing.assert_close(found.atomic_energies, atomic, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("name", SHARED + ALONE)
def test_energies_and_forces_are_means_and_spreads_are_standard_deviations_of_the_members(name, batch):
    of = ensemble(name)
    require_mean_and_spread(of, batch)
    assert (of.at_once is not None and of.at_once.is_one_network) == (name in SHARED)


@pytest.mark.parametrize("name", SHARED)
def test_members_evaluated_at_once_give_the_numbers_of_members_one_by_one(name, batch, monkeypatch):
    of = ensemble(name)
    together = of(batch, forces=True)
    of.at_once.is_one_network = False
    behind = of(batch, forces=True)
    of.at_once = None
    for other in (behind, of(batch, forces=True)):
        for field in ("energy", "forces", "energy_spread", "forces_spread"):
            torch.testing.assert_close(getattr(together, field), getattr(other, field), atol=1e-10, rtol=1e-10)


def test_what_torch_cannot_vectorize_is_evaluated_one_by_one(batch, monkeypatch):
    def refuses(*arguments):
        raise RuntimeError("vmap: there is no batching rule")

    of = ensemble("ani_feed_forward")
    monkeypatch.setattr(at_once, "vmap", lambda function: refuses)
    require_mean_and_spread(of, batch)
    assert not of.at_once.is_one_network


def test_members_that_differ_in_more_than_weights_are_not_one_network(batch):
    kinds = [build(FILES[name], 0) for name in ("ani_feed_forward", "ani_residual")]
    of = Ensemble(kinds[0].elements, kinds).eval()
    assert not of.at_once.is_one_network
    require_mean_and_spread(of, batch)
    attention = members("ani_attention", 2)
    attention[1].readout.cutoff = 4.0  # of no weight, and energies depend on it
    of = Ensemble(attention[0].elements, attention).eval()
    assert not of.at_once.is_one_network
    require_mean_and_spread(of, batch)


def test_a_network_with_a_part_in_two_places_is_evaluated_one_by_one(batch):
    several = members("ani_feed_forward", 2)
    for member in several:
        member.readout.twice = member.readout.network
    of = Ensemble(several[0].elements, several).eval()
    assert not of.at_once.is_one_network
    require_mean_and_spread(of, batch)
    require_mean_and_spread(of, batch)


@pytest.mark.parametrize("change", ["write", "load", "cast"])
def test_weights_that_change_are_noticed(change, batch):
    of = ensemble("ani_feed_forward")
    of(batch, forces=True)
    if change == "write":
        with torch.no_grad():
            next(of.members[1].readout.parameters()).mul_(2)
    elif change == "load":
        of.members[1].load_state_dict(build(FILES["ani_feed_forward"], 7).state_dict())
    else:
        of.members[1].scale = of.members[1].scale * 2
    require_mean_and_spread(of, batch)


def test_members_may_list_their_elements_in_another_order(batch):
    springs = Springs(["H", "C", "N", "O"]).double(), Composition(["O", "N", "C", "H"]).double()
    springs[1].bias.data += torch.arange(4.0)
    require_mean_and_spread(Ensemble(["H", "C", "N", "O"], list(springs)).eval(), batch)


def test_members_of_other_elements_are_refused():
    several = [Springs(["H", "C"]), Springs(["H", "O"])]
    with pytest.raises(SettingError, match="Member 1 knows H, O, and the ensemble H, C"):
        Ensemble(["H", "C"], several)
    with pytest.raises(SettingError, match="An ensemble of 1 has no spread"):
        Ensemble(["H", "C"], several[:1])


def test_an_ensemble_is_no_member_of_another():
    springs = [Springs(["H", "C"]) for _ in range(3)]
    with pytest.raises(SettingError, match="Member 1 is an ensemble itself"):
        Ensemble(["H", "C"], [springs[0], Ensemble(["H", "C"], springs[1:])])


def test_members_that_agree_have_no_spread(batch):
    one = build(FILES["ani_feed_forward"], 0)
    found = Ensemble(one.elements, [copy.deepcopy(one) for _ in range(5)]).eval()(batch, forces=True)
    assert not found.energy_spread.any()
    assert not found.forces_spread.any()


def test_spreads_are_multiplied_by_their_factors(batch):
    of = ensemble("ani_feed_forward")
    before = of(batch, forces=True)
    of.energy_factor.fill_(2.0)
    of.forces_factor.fill_(3.0)
    after = of(batch, forces=True)
    torch.testing.assert_close(after.energy_spread, 2 * before.energy_spread)
    torch.testing.assert_close(after.forces_spread, 3 * before.forces_spread)
    torch.testing.assert_close(after.forces, before.forces)


@pytest.mark.parametrize("name", ["ani_1x", pytest.param("schnet", marks=pytest.mark.slow)])
def test_every_law_holds_for_an_ensemble(name):
    batch = Batch.from_frames(*(rattled(each, seed) for seed, each in enumerate(["H2O", "CH4"])))
    found = {law.name: violation - law.tolerance for law, violation in laws.check(ensemble(name, 2), batch)}
    assert {law: excess for law, excess in found.items() if not excess <= 0} == {}


def test_a_calculator_has_the_spread():
    of = ensemble("ani_feed_forward")
    atoms = molecule("CH3OH")
    atoms.calc = Calculator(of)
    one = of.predict(atoms)
    atoms.get_forces()
    assert atoms.calc.results["energy_spread"] == pytest.approx(one.energy_spread)
    np.testing.assert_allclose(atoms.calc.get_property("forces_spread", atoms), one.forces_spread)
    single = Calculator(of.members[0])
    assert "energy_spread" not in single.implemented_properties
    with pytest.raises(UnknownMoleculeError):
        of.predict(molecule("SiH4"))


def test_predictions_of_several_molecules_have_the_spreads_of_each():
    of = ensemble("ani_feed_forward")
    molecules = [molecule(name) for name in ("CH4", "H2O")]
    for one, together in zip(map(of.predict, molecules), of.predict(molecules), strict=True):
        assert together.energy_spread == pytest.approx(one.energy_spread)
        np.testing.assert_allclose(together.forces_spread, one.forces_spread, atol=1e-12)
