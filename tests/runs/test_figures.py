from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from potbench.runs.figures import describe, draw_figures, draw_predictions
from potbench.runs.folder import RunFolder
from potbench.runs.recipe import potential_name
from tests.reporting.predictions import make_metrics, make_predictions
from tests.runs.small_record import small_record

METRICS = "epoch,step,train/loss,validation/loss\n0,2,,0.5\n0,2,0.7,\n1,5,,0.4\n1,5,0.6,\n"


def drawn(folder: RunFolder) -> set[str]:
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in folder.figures.glob("*"))
    return {file.name for file in folder.figures.glob("*")}


def test_a_run_before_its_test_has_only_the_loss_figure(tmp_path: Path) -> None:
    folder, untested = RunFolder(tmp_path), replace(small_record(), metrics={"validation": {}})
    draw_figures(folder, untested)
    assert drawn(folder) == set()
    folder.metrics.write_text(METRICS)
    draw_figures(folder, untested)
    assert drawn(folder) == {"loss.png"}


def test_predictions_without_their_errors_are_not_drawn(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    np.savez(folder.predictions, **make_predictions(20))
    draw_figures(folder, replace(small_record(), metrics={}))
    assert drawn(folder) == set()


def test_a_tested_run_has_all_figures(tmp_path: Path) -> None:
    folder, arrays = RunFolder(tmp_path), make_predictions(20)
    folder.metrics.write_text(METRICS)
    np.savez(folder.predictions, **arrays)
    draw_figures(folder, replace(small_record(), metrics={"test": make_metrics(arrays)}))
    assert drawn(folder) == {"loss.png", "parity.png", "residuals.png"}


def test_atomic_energies_of_the_test_have_a_figure_by_element(tmp_path: Path) -> None:
    folder, arrays = RunFolder(tmp_path), make_predictions(20, forces=False)
    numbers, energies = np.tile([8, 1, 1], 20).astype(np.uint8), np.linspace(-1, 1, 60).astype(np.float32)
    np.savez(folder.predictions, **arrays, atomic_numbers=numbers, atomic_energies=energies)
    draw_figures(folder, replace(small_record(), metrics={"test": make_metrics(arrays)}))
    assert drawn(folder) == {"parity.png", "residuals.png", "sensitivity.png"}


def test_a_run_that_was_only_tested_has_no_loss_figure(tmp_path: Path) -> None:
    folder, arrays = RunFolder(tmp_path), make_predictions(20, forces=False)
    folder.metrics.write_text("epoch,step,test/loss\n0,9,0.5\n")
    np.savez(folder.predictions, **arrays)
    draw_figures(folder, replace(small_record(), metrics={"test": make_metrics(arrays)}))
    assert drawn(folder) == {"parity.png", "residuals.png"}


def test_an_evaluation_beside_a_run_has_figures_of_its_own(tmp_path: Path) -> None:
    folder, arrays = RunFolder(tmp_path), make_predictions(20)
    aside, errors = folder.evaluation("test_last"), make_metrics(arrays)
    draw_predictions(aside, errors, "eV")
    assert not aside.figures.exists()
    aside.path.mkdir(parents=True)
    np.savez(aside.predictions, **arrays)
    draw_predictions(aside, errors, "eV")
    assert {file.name for file in aside.figures.iterdir()} == {"parity.png", "residuals.png"}
    assert not folder.figures.exists()


CONFIG = """
model:
  class_path: potbench.training.GradientTask
  init_args:
    potential:
      class_path: potbench.potentials.AtomicPotential
      init_args:
        representation: {class_path: potbench.representations.AEV}
        readout: {class_path: potbench.readouts.FeedForward}
"""


def test_figures_name_the_potential_and_the_data(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert describe(folder, "sample", "20 test frames") == "sample, 20 test frames"
    folder.config.write_text(CONFIG)
    assert describe(folder, "sample", "20 test frames") == "AEV, FeedForward: sample, 20 test frames"


def test_every_figure_of_a_run_says_what_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, arrays, about = RunFolder(tmp_path), make_predictions(20), []
    folder.metrics.write_text(METRICS)
    folder.config.write_text(CONFIG)
    np.savez(folder.predictions, **arrays)
    monkeypatch.setattr("potbench.runs.figures.png", lambda figure: about.append(figure.get_suptitle()) or b"")
    draw_figures(folder, replace(small_record(), metrics={"test": make_metrics(arrays)}))
    name = small_record().data.name
    assert about[1:] == [f"AEV, FeedForward: {name}, 20 test frames"] * 2
    assert " ".join(about[0].split()).endswith("validation frames")


@pytest.mark.parametrize("config", ["", "model: 3", "model: {init_args: {}}", "[", "a: b"])
def test_a_config_of_another_kind_names_no_potential(config: str) -> None:
    assert potential_name(config) == ""


def test_a_potential_without_parts_is_named_by_its_class() -> None:
    config = "model: {init_args: {potential: {class_path: potbench.potentials.SGDML, init_args: {sigma: 10}}}}"
    assert potential_name(config) == "SGDML"
