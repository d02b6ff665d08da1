from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.runs.data_check import DataCheck
from potbench.structures import Frames
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import Made
from tests.native_files.springs import healthy
from tests.training.small_task import quiet_trainer, small_task


def data(folder: Path, chunk: Frames, **settings: bool) -> AtomsDataModule:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.h5").write_text("made")
    split = RandomSplit(60, 20, 20)
    return AtomsDataModule(Made(folder / "made.h5", lambda: [chunk]), split, batch_size=60, root=folder, **settings)


def fit(folder: Path, chunk: Frames, **settings: bool) -> None:
    quiet_trainer(folder, DataCheck(), epochs=1).fit(small_task(), datamodule=data(folder, chunk, **settings))


def test_right_data_are_trained_on_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, healthy())
    assert "Data" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (healthy()._replace(forces=-healthy().forces), "the forces are gradients"),  # type: ignore[operator]
        (healthy()._replace(energy=healthy().energy / KCAL_PER_MOL), "in kcal/mol, not in eV"),
    ],
    ids=["gradients", "kcal/mol"],
)
def test_what_is_certainly_wrong_is_refused_unless_told_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: Frames, says: str
) -> None:
    with pytest.raises(SettingError, match="ignore_findings") as caught:
        fit(tmp_path, wrong)
    assert says in str(caught.value)
    assert says in capsys.readouterr().out
    fit(tmp_path, wrong, ignore_findings=True)
    assert says in capsys.readouterr().out
