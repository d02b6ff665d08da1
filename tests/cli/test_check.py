from pathlib import Path

import pytest
import torch

from potbench.cli.main import main
from potbench.laws import LAWS
from potbench.representations import AEV
from potbench.runs.findings import LawFound
from potbench.runs.record import Record


def test_every_law_is_said_and_holds(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run_copy)]) == 0
    printed = capsys.readouterr().out
    assert all(law.name.split()[0] in printed for law in LAWS)
    assert f"{len(LAWS)} of {len(LAWS)} laws hold" in " ".join(printed.split())
    found = Record.load(run_copy).laws
    assert found
    assert [law.name for law in found] == [law.name for law in LAWS]
    assert {law.verdict for law in found} == {"pass"}
    assert all(law.violation is not None and law.violation <= law.tolerance for law in found)


def test_a_broken_potential_is_found_out(
    run_copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = AEV.forward

    def leaning(self: AEV, batch: object, element: torch.Tensor) -> torch.Tensor:
        features = right(self, batch, element)  # type: ignore[arg-type]
        return features + 0.01 * batch.positions[:, :1]  # type: ignore[attr-defined]

    monkeypatch.setattr(AEV, "forward", leaning)
    assert main(["check", str(run_copy)]) == 1
    assert "FAIL" in capsys.readouterr().out
    found = {law.name: law for law in Record.load(run_copy).laws or ()}
    assert found["shift"].verdict == "FAIL"
    assert found["order of atoms"].verdict == "pass"


def test_a_violation_that_is_no_number_breaks_the_law_and_one_that_was_refused_does_not() -> None:
    assert LawFound.of("shift", float("nan"), 1e-8, "eV") == LawFound("shift", "FAIL", None, 1e-8, "eV")
    assert LawFound.of("shift", None, 1e-8, "eV") == LawFound("shift", "refused", None, 1e-8, "eV")
