from __future__ import annotations

import re
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from jsonargparse import ArgumentParser
from torch import nn

from potbench.batch import Batch, Statistics
from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.potentials import SGDML, AtomicPotential, Composition, Pairwise, Potential
from potbench.readouts import FeedForward, Linear
from potbench.representations import ACE, AEV, ContinuousFilter
from potbench.structures import SYMBOLS, Frames
from potbench.training import EnergyForcesLoss, FeatureCache, GradientTask, representative
from potbench.training.fine_tuning import FineTuning
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import Made, blocks, frames
from tests.rivals import skip_without_package
from tests.training.small_task import quiet_trainer

pytestmark = pytest.mark.filterwarnings("ignore")
CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "potential").glob("*.yaml"))
STATISTICS = Statistics({1: -13.6, 6: -1029.9, 7: -1485.3, 8: -2042.6, 17: -12520.0}, 10.0, None, 1)
SHIFTS = {1: 3.0, 6: -20.0, 7: 100.0, 8: 7.0}
ELEMENTS = ["H", "C", "N", "O"]
files = count()


def network(elements: list[str] = ELEMENTS, seed: int = 0, **changes) -> AtomicPotential:
    """A network that exchanges messages, and a readout for each element."""
    torch.manual_seed(seed)
    representation = {"num_features": 6, "num_interactions": 1, "cutoff": 3.0, **changes.pop("representation", {})}
    readout = {"hidden_sizes": [5], **changes.pop("readout", {})}
    return AtomicPotential(
        elements, partial(ContinuousFilter, **representation), partial(FeedForward, **readout), **changes
    )


def with_aev(elements: list[str] = ELEMENTS, seed: int = 0, hidden: int = 8, **constants) -> AtomicPotential:
    torch.manual_seed(seed)
    short = {"radial_shifts": 4, "angular_shifts": 2, "angular_sections": 2, **constants}
    return AtomicPotential(elements, partial(AEV, **short), partial(FeedForward, hidden_sizes=[hidden]))


def chlorine(num_frames: int) -> Frames:
    """H, C and Cl, an element that no parent knows."""
    chunk = frames("HCN", num_frames)
    numbers = np.where(chunk.atomic_numbers == 7, 17, chunk.atomic_numbers)
    return chunk._replace(molecule="HCCl", atomic_numbers=numbers, energy=chunk.energy - 11035)


def trained(potential: Potential) -> Potential:
    """The potential as if it had been trained: not as it was made."""
    potential.adapt(STATISTICS)
    return potential.eval()


def energies(potential: Potential, *chunks: Frames) -> np.ndarray:
    """Without gradients, in evaluation mode, in single precision."""
    with torch.no_grad():
        return potential.eval()(Batch.from_frames(*chunks)).energy.numpy()


def predicted(parent: Potential, chunks: list[Frames], shifts: dict[int, float] | None = None) -> list[Frames]:
    """The same frames with the energies that a potential predicts, shifted for each atom of an element."""
    return [
        chunk._replace(
            energy=energies(parent, chunk) + sum((shifts or {}).get(number, 0.0) for number in chunk.atomic_numbers)
        )
        for chunk in chunks
    ]


def data(folder: Path, chunks: list[Frames], **settings) -> AtomsDataModule:
    """Frames of a dataset of their own, four of which validate."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made.h5"
    file.write_text(str(next(files)))
    num_frames = sum(len(chunk.energy) for chunk in chunks)
    split = RandomSplit(num_frames - 4, 3, 1)
    module = AtomsDataModule(Made(file, lambda: chunks), split, **{"batch_size": 4, "root": folder, **settings})
    module.setup("fit")
    return module


def fine_tuned(folder: Path, parent: Potential, chunks: list[Frames], freeze=(), epochs: int = 3, **settings):
    """Train from the weights of a parent on energies and forces; return the task, and what was printed is printed."""
    module = data(folder, chunks, **settings)
    fine_tuning = FineTuning(parent, freeze)
    task = task_of(network(fine_tuning.elements(module.elements), seed=5), fine_tuning)
    quiet_trainer(folder, epochs=epochs).fit(task, datamodule=module)
    return task


def task_of(potential: Potential, fine_tuning: FineTuning | None, forces: float = 1.0) -> GradientTask:
    task = GradientTask(potential, EnergyForcesLoss(forces=forces))
    task.fine_tuning = fine_tuning
    return task


def refused(problem: str, *arguments, **keywords) -> SettingError:
    """What is said of a fine-tuning that cannot begin."""
    with pytest.raises(SettingError, match=f"^{re.escape(problem)}") as caught:
        begin(*arguments, **keywords)
    return caught.value


def begin(parent: Potential | None, potential: Potential, module: AtomsDataModule, freeze=()) -> str:
    return FineTuning(parent, freeze).begin(potential, module)


@pytest.fixture
def module(tmp_path: Path) -> AtomsDataModule:
    return data(tmp_path, blocks(forces=True))


def test_weights_and_scale_are_those_of_the_parent_and_only_the_offset_is_new(module):
    parent, potential = trained(network()), network(seed=1)
    begin(parent, potential, module)
    for name, weight in parent.state_dict().items():
        assert torch.equal(potential.state_dict()[name], weight) == (name != "offset"), name


def test_reference_energies_take_up_a_shift_of_every_atom_exactly(tmp_path):
    parent, potential = trained(network()), network(seed=1)
    shifted = predicted(parent, blocks(), SHIFTS)
    module = data(tmp_path, shifted)
    said = begin(parent, potential, module)
    fitted = [STATISTICS.reference_energies[number] + shift for number, shift in SHIFTS.items()]
    assert potential.offset.tolist() == pytest.approx(fitted, abs=1e-5)
    for chunk in shifted:
        assert energies(potential, chunk) == pytest.approx(chunk.energy, abs=1e-5)
    lines = said.splitlines()
    assert (lines[0], lines[2]) == ("Weights are those of the parent.", "The scale is that of the parent, 10 eV.")
    number = r"([\d.,e-]+) kcal/mol"
    found = re.fullmatch(
        r"Reference energies are fitted anew\. RMSE of the parent with them on 15 training frames: "
        rf"{number}; with its own reference energies: {number}; of reference energies alone: {number}\.",
        lines[1],
    )
    now, own, alone = (float(rmse.replace(",", "")) for rmse in found.groups())
    assert now < 1e-4
    assert own > 300
    assert alone == pytest.approx(module.statistics.energy_spread / KCAL_PER_MOL, rel=1e-3)


def test_a_single_molecule_shifted_by_100_ev_changes_other_elements_not_at_all_and_its_own_little(tmp_path):
    parent, potential = trained(network()), network(seed=1)
    shifted = predicted(parent, [frames("CH4", 9)], {6: 100.0})
    said = begin(parent, potential, data(tmp_path, shifted))
    # the smallest change that shifts CH4 by 100 eV
    change = potential.offset - parent.offset
    assert change.tolist() == pytest.approx([400 / 17, 100 / 17, 0, 0], abs=1e-5)
    assert "The training set has no N, O: reference energies as in the parent." in said
    assert energies(potential, *shifted) == pytest.approx(shifted[0].energy, abs=1e-5)


def test_a_fine_tuned_run_starts_from_the_error_of_its_parent_though_all_energies_are_shifted(tmp_path):
    parent = trained(network())
    errors = {}
    for name, shifts in {"as they were": {}, "shifted": SHIFTS}.items():
        potential = network(seed=1)
        chunks = [
            chunk._replace(energy=chunk.energy + 0.1 * np.arange(len(chunk.energy)))
            for chunk in predicted(parent, blocks(), shifts)
        ]
        begin(parent, potential, data(tmp_path / name, chunks))
        errors[name] = np.concatenate([energies(potential, chunk) - chunk.energy for chunk in chunks])
    assert errors["shifted"] == pytest.approx(errors["as they were"], abs=1e-6)
    assert np.abs(errors["shifted"]).max() < 0.5


def test_reference_energies_that_the_data_are_given_are_taken_as_they_are(tmp_path):
    given = {"H": -1.0, "C": -2.0, "O": -4.0}
    parent, potential = trained(network()), network(seed=1)
    module = data(tmp_path, blocks(counts={"CH4": 5, "H2O": 5}), reference_energies=given)
    said = begin(parent, potential, module)
    assert potential.offset.tolist() == [-1.0, -2.0, float(parent.offset[2]), -4.0]
    assert "Reference energies are those given. RMSE of the parent with them on 6 training frames: " in said


def test_frames_of_rare_elements_are_among_those_that_reference_energies_are_fitted_to(tmp_path, monkeypatch):
    monkeypatch.setattr(representative, "MOST_FRAMES", 2)
    parent, potential = trained(network()), network(seed=1)
    shifted = predicted(parent, blocks(counts={"CH4": 60, "H2O": 5, "NH3": 5, "HCN": 5}), SHIFTS)
    module = data(tmp_path, shifted, batch_size=8)
    begin(parent, potential, module)
    assert (potential.offset - parent.offset).tolist() == pytest.approx(list(SHIFTS.values()), abs=1e-5)


def test_a_potential_knows_the_elements_of_its_parent_first_in_their_order():
    assert FineTuning(network(["O", "H"])).elements(["H", "C", "N", "O"]) == ["O", "H", "C", "N"]
    assert FineTuning(None).elements(["H", "C"]) == ["H", "C"]


def test_data_with_some_of_the_elements_of_the_parent_are_trained_on_and_the_others_stay_known(tmp_path):
    parent = trained(network())
    water = predicted(parent, [frames("H2O", 9, forces=True)])
    task = fine_tuned(tmp_path, parent, water)
    assert task.potential.elements == ELEMENTS
    assert task.potential.offset[1:3].tolist() == parent.offset[1:3].tolist()
    assert np.isfinite(energies(task.potential, frames("HCN", 2))).all()


def test_elements_in_another_order_are_refused(module):
    error = refused(
        "elements is ['C', 'H', 'N', 'O'], expected", trained(network()), network(["C", "H", "N", "O"]), module
    )
    assert str(error).endswith(
        "those of the parent, in its order, before any others: H, C, N, O. Change the argument elements of "
        "AtomicPotential."
    )


def build(config: Path, elements: list[str], seed: int) -> Potential:
    skip_without_package(config)
    settings = yaml.safe_load(config.read_text())
    arguments = settings.setdefault("init_args", {})
    arguments["elements"] = elements
    sizes = arguments.get("readout", {}).get("init_args", {}).get("hidden_sizes")
    if isinstance(sizes, dict):
        sizes["Cl"] = [8]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Potential, "potential")
    torch.manual_seed(seed)
    return parser.instantiate(parser.parse_object({"potential": settings})).potential


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda config: config.stem)
def pair(request) -> tuple[Path, Potential]:
    """A config of a potential, and the potential as if it had been trained."""
    return request.param, trained(build(request.param, ELEMENTS, seed=0))


def is_solved(potential: Potential) -> bool:
    return isinstance(potential, SGDML)


def test_a_linear_model_that_was_solved_is_no_parent_and_one_that_was_trained_is() -> None:
    potential = AtomicPotential(ELEMENTS, partial(ACE, max_degrees=(4, 2), max_l=(0, 1)), Linear)
    FineTuning(potential)
    representation, readout = potential.representation, potential.readout
    assert isinstance(representation, ACE)
    assert isinstance(readout, Linear)
    representation.restrict(torch.ones(4, 4, dtype=torch.int64))
    readout.resize(representation.num_features)
    with pytest.raises(SettingError, match="whose coefficients belong to its training frames"):
        FineTuning(potential)


def test_every_potential_that_is_trained_step_by_step_is_taken_over_whole(pair, module):
    config, parent = pair
    if is_solved(parent):
        with pytest.raises(SettingError) as caught:
            FineTuning(parent)
        assert str(caught.value) == (
            "The parent is SGDML, whose coefficients belong to its training frames. Expected a potential that was "
            "trained step by step; this one is solved anew, from the frames of both datasets. Change the argument "
            "parent of FineTuning."
        )
        return
    potential = build(config, ELEMENTS, seed=1)
    begin(parent, potential, module)
    potential.offset.copy_(parent.offset)
    chunks = blocks()
    assert energies(potential, *chunks).tolist() == energies(parent, *chunks).tolist()


def test_new_elements_are_refused_or_change_no_energy_of_molecules_without_them(pair, tmp_path):
    config, parent = pair
    if is_solved(parent):
        return
    potential = build(config, FineTuning(parent).elements([*ELEMENTS, "Cl"]), seed=1)
    new = chlorine(6)
    module = data(tmp_path, [*blocks(), new])
    depends = isinstance(parent, AtomicPotential) and parent.representation.constants is not None
    if depends or config.stem in {"ani_hybrid", "mace"}:
        error = refused("The parent was built without Cl, and its weights do not fit: ", parent, potential, module)
        assert "Expected one built for H, C, N, O, Cl, or features that no list of elements shapes." in str(error)
        return
    said = begin(parent, potential, module)
    assert said.startswith("Weights are those of the parent; weights of Cl are new.")
    known = blocks()
    assert np.abs(energies(potential, new) - new.energy).mean() < 50  # and 12,500 eV without a reference
    potential.offset[: len(ELEMENTS)] = parent.offset
    assert energies(potential, *known).tolist() == energies(parent, *known).tolist()


def test_the_reference_energy_of_a_new_element_is_fitted_before_any_other_is_changed(tmp_path):
    parent, potential = trained(network()), network([*ELEMENTS, "Cl"], seed=1)
    nn.init.zeros_(potential.readout.network.networks["Cl"][-1].weight)
    begin(parent, potential, data(tmp_path, [chlorine(9)]))
    assert (potential.offset[:4] - parent.offset).abs().max() < 1e-5
    assert potential.offset[4] < -12000


@pytest.mark.parametrize("kind", [Composition, Pairwise])
def test_tables_by_elements_grow_row_by_row(kind, tmp_path):
    torch.manual_seed(0)
    parent, potential = kind(["C", "H"]), kind(["C", "H", "O", "N"])
    for weight in parent.parameters():
        nn.init.normal_(weight)
    begin(parent, potential, data(tmp_path, blocks()))
    with torch.no_grad():
        methane = Batch.from_frames(frames("CH4", 3))
        one, other = parent.eval()(methane), potential.eval()(methane)
    assert torch.equal(one.atomic_energies, other.atomic_energies)
    assert one.atomic_energies.abs().min() > 0


@pytest.mark.parametrize(
    ("parent", "potential", "difference"),
    [
        (network(), with_aev(), "representation is ContinuousFilter in the parent, AEV here"),
        (network(), SGDML(ELEMENTS), "the potential is AtomicPotential in the parent, SGDML here"),
        (network(), Composition(ELEMENTS), "the potential is AtomicPotential in the parent, Composition here"),
        (
            with_aev(),
            with_aev(hidden=9),
            "readout.network.networks.H.0.bias has shape (8,) in the parent, shape (9,) here; "
            "readout.network.networks.H.0.weight has shape (8, 56) in the parent, shape (9, 56) here; "
            "readout.network.networks.H.2.weight has shape (1, 8) in the parent, shape (1, 9) here",
        ),
        (
            network(),
            network(readout={"hidden_sizes": [5, 5]}),
            "readout.network.networks.H.2.bias has shape (1,) in the parent, shape (5,) here; "
            "readout.network.networks.H.2.weight has shape (1, 5) in the parent, shape (5, 5) here",
        ),
        (network(), network(readout={"activation": nn.SiLU}), "readout.network.networks.H.1 is CELU in the parent"),
        (
            network(),
            network(readout={"activation": partial(nn.CELU, alpha=0.1)}),
            "readout.network.networks.H.1.alpha is 1.0 in the parent, 0.1 here",
        ),
        (
            network(),
            network(representation={"cutoff": 4.0}),
            "representation.cutoff is 3.0 in the parent, 4.0 here",
        ),
        (
            network(),
            network(representation={"gamma": 9.0}),
            "representation.basis.gamma is 10.0 in the parent, 9.0 here",
        ),
        (
            with_aev(),
            with_aev(radial_cutoff=6.0),
            "representation.cutoff is 5.2 in the parent, 6.0 here",
        ),
        (
            with_aev(),
            with_aev(angular_zeta=16.0),
            "representation.computer.angular.zeta is [32.0] in the parent, [16.0] here",
        ),
        (
            network(),
            network(representation={"rms_norm": True}),
            "representation.interactions.0.filter.1 is ShiftedSoftplus in the parent, RMSNorm here",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_architecture_is_refused_and_the_first_differences_named(parent, potential, difference, module):
    error = refused(
        f"The potential is of another architecture than its parent: {difference}", trained(parent), potential, module
    )
    assert (error.owner, error.setting) == (FineTuning, "parent")
    assert str(error).endswith(" Expected the same. Change the argument parent of FineTuning.")
    assert error.problem.count(" in the parent") <= 3


def test_another_dropout_is_no_other_architecture_and_drops_nothing_while_reference_energies_are_fitted(tmp_path):
    parent, potential = trained(network(readout={"dropout": 0.1})), network(readout={"dropout": 0.5})
    begin(parent, potential, data(tmp_path, predicted(parent, blocks())))
    assert potential.offset.tolist() == pytest.approx(parent.offset.tolist(), abs=1e-5)
    assert all(layer.training for layer in potential.modules())


def test_another_scale_than_that_of_the_parent_is_refused(module):
    parent = trained(network())
    begin(parent, network(scale=10.0), module)
    error = refused("scale is 27.2, expected the parent's, 10 eV", parent, network(scale=27.2), module)
    assert (error.owner, error.setting) == (AtomicPotential, "scale")


@pytest.mark.parametrize(
    ("freeze", "expected"),
    [
        (["representation"], lambda name: name.startswith("representation.")),
        (["readout"], lambda name: name.startswith("readout.")),
        (["readout.network.networks.H"], lambda name: ".H." in name),
        (["*.bias"], lambda name: name.endswith(".bias")),
        (
            ["representation.embedding.weight", "readout.network.networks.?.0.*"],
            lambda name: "embedding" in name or (".0." in name and "readout" in name),
        ),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_frozen_weights_do_not_move_and_all_others_do(freeze, expected, tmp_path):
    parent = trained(network())
    task = fine_tuned(tmp_path, parent, blocks(forces=True), freeze)
    before, names = dict(parent.named_parameters()), []
    for name, weight in task.potential.named_parameters():
        if torch.equal(weight, before[name]):
            names.append(name)
        assert weight.requires_grad != expected(name)
    assert names == [name for name in before if expected(name)]
    assert names


def test_frozen_weights_are_counted_and_no_gradient_of_theirs_is_computed(tmp_path, capsys):
    task = fine_tuned(tmp_path, trained(network()), blocks(forces=True), ["readout"])
    frozen = sum(weight.numel() for weight in task.potential.readout.parameters())
    total = sum(weight.numel() for weight in task.potential.parameters())
    assert f"{frozen:,} of {total:,} weights are frozen." in capsys.readouterr().out
    assert task.potential.num_parameters == total - frozen
    assert all(weight.grad is None for weight in task.potential.readout.parameters())
    (optimizer,) = task.trainer.optimizers
    assert len(optimizer.state) == len(list(task.potential.representation.parameters()))


def test_a_representation_without_weights_is_frozen_as_it_is(module):
    assert "0 of 1,860 weights are frozen." in begin(trained(with_aev()), with_aev(seed=1), module, ["representation"])


@pytest.mark.parametrize(
    ("freeze", "near"),
    [
        ("representation.interaction", "representation.interactions"),
        ("representatoin", "representation"),
        ("readout.netwrk", "readout.network"),
        ("zzz", "representation or readout"),
    ],
)
def test_a_name_that_no_weight_has_is_refused_with_the_nearest(freeze, near, module):
    error = refused(
        f"AtomicPotential has no weights called {freeze}. Expected a layer, a weight or a pattern, such as {near}",
        *(trained(network()), network(seed=1), module, [freeze]),
    )
    assert (error.owner, error.setting) == (FineTuning, "freeze")


def test_freezing_everything_is_refused(module):
    refused(
        "All 27 weights and biases of the potential are frozen. Expected some that are trained.",
        trained(network()),
        network(seed=1),
        module,
        ["*"],
    )


@pytest.mark.parametrize(
    ("freeze", "weight"),
    [("representation", "representation.embedding.weight"), ("readout", "readout.network.networks.Cl.0.bias")],
)
def test_weights_of_new_elements_are_not_frozen_as_they_were_drawn(freeze, weight, tmp_path):
    module = data(tmp_path, [*blocks(), chlorine(3)])
    refused(
        f"{weight} has weights of Cl, which would stay as they were drawn at random. Expected names of weights that do "
        "not belong to Cl.",
        *(trained(network()), network([*ELEMENTS, "Cl"], seed=1), module, [freeze]),
    )
    begin(trained(network()), network([*ELEMENTS, "Cl"], seed=1), module, ["representation.interactions"])


def test_a_refused_name_freezes_nothing(module):
    potential = network(seed=1)
    refused("AtomicPotential has no", trained(network()), potential, module, ["readout", "zzz"])
    assert all(weight.requires_grad for weight in potential.parameters())


def test_a_frozen_representation_is_not_cached_where_it_is_learned(tmp_path):
    module = data(tmp_path, blocks())
    task = task_of(network(seed=5), FineTuning(trained(network()), ["representation"]), forces=0.0)
    quiet_trainer(tmp_path, FeatureCache()).fit(task, datamodule=module)
    assert module.transform is None
    assert not list(module.store.folder.glob("features-*"))


def test_fine_tuning_with_cached_features_gives_the_same_weights(tmp_path):
    weights = []
    for callbacks in ((), (FeatureCache(),)):
        module = data(tmp_path / str(len(callbacks)), blocks())
        task = task_of(with_aev(seed=5), FineTuning(trained(with_aev()), ["*.0.*"]), forces=0.0)
        quiet_trainer(tmp_path, *callbacks).fit(task, datamodule=module)
        assert (module.transform is not None) == bool(callbacks)
        weights.append(task.potential.state_dict())
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-3, atol=1e-5)


def test_a_resumed_fine_tuning_equals_an_uninterrupted_one_and_needs_no_parent(tmp_path):
    module = data(tmp_path, blocks(forces=True))
    whole = task_of(network(seed=5), FineTuning(trained(network()), ["representation"]))
    quiet_trainer(tmp_path, epochs=4).fit(whole, datamodule=module)
    half = task_of(network(seed=5), FineTuning(trained(network()), ["representation"]))
    trainer = quiet_trainer(tmp_path, epochs=2)
    trainer.fit(half, datamodule=module)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    resumed = task_of(network(seed=6), FineTuning(None, ["representation"]))
    quiet_trainer(tmp_path, epochs=4).fit(
        resumed, datamodule=module, ckpt_path=tmp_path / "half.ckpt", weights_only=True
    )
    for name, weight in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name
    assert not any(weight.requires_grad for weight in resumed.potential.representation.parameters())


def test_a_second_training_goes_on_from_the_first(tmp_path):
    parent, module = trained(network()), data(tmp_path, blocks(forces=True))
    task = task_of(network(seed=5), FineTuning(parent))
    quiet_trainer(tmp_path, epochs=3).fit(task, datamodule=module)
    before = {name: weight.clone() for name, weight in task.potential.state_dict().items()}
    quiet_trainer(tmp_path, epochs=0).fit(task, datamodule=module)
    assert all(torch.equal(weight, before[name]) for name, weight in task.potential.state_dict().items())


def test_the_parent_itself_is_not_changed(tmp_path):
    parent = trained(network())
    before = {name: weight.clone() for name, weight in parent.state_dict().items()}
    fine_tuned(tmp_path, parent, blocks(forces=True), ["readout"])
    assert all(torch.equal(weight, before[name]) for name, weight in parent.state_dict().items())
    assert all(weight.requires_grad for weight in parent.parameters())


def test_without_a_parent_offset_and_scale_are_those_of_the_training_set(tmp_path):
    module = data(tmp_path, blocks(forces=True))
    task = task_of(network(), None)
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=module)
    references = module.statistics.reference_energies
    assert task.potential.offset.tolist() == [references[SYMBOLS.index(symbol)] for symbol in ELEMENTS]
    assert float(task.potential.scale) == module.statistics.energy_spread


def test_repulsion_begins_below_the_distances_of_both_training_sets(tmp_path: Path) -> None:
    parent = network(repulsion=True)
    parent.adapt(STATISTICS._replace(shortest_distances={"H-O": 0.5, "C-N": 3.0, "C-O": 1.1}))
    module = data(tmp_path, [chlorine(6), *blocks()])
    module.measure_distances()
    of_data = module.statistics.shortest_distances
    potential = network(["H", "C", "N", "O", "Cl"], repulsion=True)
    begin(parent, potential, module)
    names = map("-".join, potential.repulsion.pairs)
    found = dict(zip(names, potential.repulsion.shortest.tolist(), strict=True))
    assert (found["H-O"], found["C-O"]) == (0.5, 1.1)
    assert found["C-N"] == of_data["C-N"] < 3
    assert found["C-Cl"] == of_data["C-Cl"]
    assert found["N-Cl"] == np.inf


def test_a_parent_without_repulsion_is_of_another_architecture(tmp_path: Path) -> None:
    module = data(tmp_path, blocks())
    error = refused("The potential is of another architecture", trained(network()), network(repulsion=True), module)
    assert "repulsion is nothing in the parent, Repulsion here" in str(error)
