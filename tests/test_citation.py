"""CITATION.cff names what potbench builds on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOI = re.compile(r"10\.\d{4,}/[^\s,;)\"']+(?<!\.)")
CITED = yaml.safe_load((ROOT / "CITATION.cff").read_text())
OF_METHODS = [
    (file, doi)
    for room in ("representations", "readouts", "potentials", "datasets")
    for file in sorted((ROOT / "src" / "potbench" / room).glob("*.py"))
    for doi in sorted(set(DOI.findall(file.read_text())))
]


def test_each_reference_is_whole_and_there_once() -> None:
    dois = [each["doi"] for each in CITED["references"]]
    assert len(dois) == len(set(dois)) > 20
    for each in CITED["references"]:
        assert DOI.fullmatch(each["doi"]), each
        assert each["title"]
        assert each["authors"]
        assert 1900 < each["year"] < 2100


@pytest.mark.parametrize(("file", "doi"), OF_METHODS, ids=lambda value: getattr(value, "name", value))
def test_every_source_of_an_architecture_and_a_dataset_is_cited(file: Path, doi: str) -> None:
    assert doi in {each["doi"] for each in CITED["references"]}, file
