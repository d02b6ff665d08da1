"""Training on frames that lack labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.potentials import SGDML
from potbench.structures import Frames
from potbench.training import ClosedFormTask, FeatureCache
from tests.native_files.made import Made, blocks
from tests.training.small_task import quiet_trainer, small_task

NUM_EPOCHS = 30  # derivatives are cached from 3 times as many epochs as there are atoms


def lacking(energy: float, force: float) -> list[Frames]:
    """Molecules whose every third frame lacks its energy, and every other one its forces: numbers stand there."""
    made = []
    for chunk in blocks(forces=True):
        frames = np.arange(len(chunk.energy))
        energy_known, forces_known = frames % 3 > 0, frames % 2 > 0
        made.append(
            chunk._replace(
                energy=np.where(energy_known, chunk.energy, energy),
                forces=np.where(forces_known[:, None, None], chunk.forces, force),
                energy_known=energy_known,
                forces_known=forces_known,
            )
        )
    return made


@pytest.mark.parametrize("cached", [False, True])
def test_numbers_in_place_of_labels_do_not_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str], cached: bool):
    weights, errors, predicted = [], [], []
    for number, wrong in enumerate([(0.0, 0.0), (77.0, 5.0)]):
        file = tmp_path / f"{number}.h5"
        file.write_text(str(wrong))
        data = AtomsDataModule(Made(file, lambda wrong=wrong: lacking(*wrong)), RandomSplit(11, 4, 4), batch_size=4)
        task = small_task(forces=1.0)
        trainer = quiet_trainer(tmp_path, *([FeatureCache()] if cached else []), epochs=NUM_EPOCHS)
        trainer.fit(task, datamodule=data)
        assert (data.transform is not None) is cached
        weights.append([weight.detach().clone() for weight in task.parameters()])
        errors.append(trainer.test(task, datamodule=data, verbose=False)[0])
        predicted.append(task.test_predictions())
        unknown = ~data.store.energy_known
        assert set(data.store.energy[np.flatnonzero(unknown)]) == {wrong[0]}
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))
    assert errors[0] == errors[1]
    assert all(np.isfinite(error) for error in errors[0].values())
    torch.testing.assert_close(*predicted, equal_nan=True)
    assert predicted[0]["energy"].isnan().tolist() == unknown[predicted[0]["frame"].numpy()].tolist()
    assert "11 of 19 frames have energy; the others train on what they have." in capsys.readouterr().out


def test_closed_forms_need_all_labels(tmp_path: Path):
    file = tmp_path / "made.h5"
    file.write_text("methane")
    data = AtomsDataModule(Made(file, lambda: lacking(0.0, 0.0)[:1]), RandomSplit(3, 1, 1))
    task = ClosedFormTask(SGDML(["H", "C", "N", "O"]))
    with pytest.raises(SettingError, match="some frames of made lack theirs"):
        quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data)
