from dataclasses import replace
from pathlib import Path

import pytest

from potbench.results.sections import gap
from tests.results.conftest import Found
from tests.results.simulated import MANIFEST, trainings


def test_named_test_sets_are_put_in_relation_to_the_first(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", test_sets=("300 K", "600 K"))
    trainings(tmp_path, 3, architecture="PaiNN", error=2.0, test_sets=("300 K", "600 K"))
    findings = found(metric="forces_mae")
    section = gap.section(findings)
    assert section is not None
    (_, table) = section.blocks
    assert [column.name for column in table.columns] == ["Architecture", "On 300 K", "On 600 K", "600 K / 300 K"]
    near, far = (next(each for each in findings.tables if each.test_set == name) for name in ("300 K", "600 K"))
    for architecture, row in near.rows.items():
        ratio = next(cells[3] for cells in table.rows if cells[0].text == architecture)
        assert ratio.number == pytest.approx(far.rows[architecture].mean.mean / row.mean.mean)
        assert "(" in ratio.text


def test_a_single_test_set_has_no_gap(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    assert gap.section(found()) is None


def test_other_data_are_not_put_in_relation(tmp_path: Path, found: Found) -> None:
    for name in ("ethanol", "aspirin"):
        trainings(tmp_path / name, 3, manifest=replace(MANIFEST, name=name, fingerprint=name))
    findings = found()
    assert len(findings.main) == 2
    assert gap.section(findings) is None


def test_one_store_that_is_divided_in_two_ways_is(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path / "random", 3, error=1.0, manifest=replace(MANIFEST, name="random"))
    trainings(tmp_path / "by_molecule", 3, error=5.0, test=5_000, manifest=replace(MANIFEST, name="by_molecule"))
    section = gap.section(found(metric="forces_mae"))
    assert section is not None
    ratios = [cells[3].number for cells in section.blocks[1].rows]
    assert all(ratio == pytest.approx(5.0, rel=0.3) or ratio == pytest.approx(0.2, rel=0.3) for ratio in ratios)
