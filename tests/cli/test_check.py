from pathlib import Path

import pytest
import torch

from potbench.cli.main import main
from potbench.laws import LAWS
from potbench.representations import AEV


def test_every_law_is_said_and_holds(finished_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(finished_run)]) == 0
    printed = capsys.readouterr().out
    assert all(law.name.split()[0] in printed for law in LAWS)
    assert f"{len(LAWS)} of {len(LAWS)} laws hold" in " ".join(printed.split())


def test_a_broken_potential_is_found_out(
    finished_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = AEV.forward

    def leaning(self: AEV, batch: object, element: torch.Tensor) -> torch.Tensor:
        features = right(self, batch, element)  # type: ignore[arg-type]
        return features + 0.01 * batch.positions[:, :1]  # type: ignore[attr-defined]

    monkeypatch.setattr(AEV, "forward", leaning)
    assert main(["check", str(finished_run)]) == 1
    assert "FAIL" in capsys.readouterr().out
