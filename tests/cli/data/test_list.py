from __future__ import annotations

import inspect

import pytest

from potbench import datasets
from potbench.datasets import Dataset


@pytest.fixture(autouse=True, params=[80, 120])
def _width(request, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(request.param))


def test_every_dataset_that_potbench_exports_is_listed(run):
    printed = run("list")
    kinds = [getattr(datasets, name) for name in datasets.__all__]
    kinds = [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, Dataset)]
    for kind in kinds:
        if not inspect.isabstract(kind):
            word = kind.published.name if kind.published else kind.__name__
            assert any(line.split()[:1] == [word] for line in printed.splitlines()), word


def test_what_must_be_known_of_a_dataset_stands_there_unbroken(run):
    printed = run("list")
    for word in ("57,462", "22,057,374", "H C N O", "no forces", "ωB97X/6-31G(d)", "CC0 1.0", "86 MB"):
        assert word in printed
    assert "10.1038/sdata.2017.193" in printed
    assert "10.1088/2632-2153/abba6f" in printed


def test_no_line_is_wider_than_the_terminal(run, request):
    width = request.node.callspec.params["_width"]
    assert all(len(line) <= width for line in run("list").splitlines() if "Prepared in" not in line)


def test_what_is_prepared_is_shown(served_rmd17, prepared, run):
    assert "revised" not in run("list")
    run("prepare", "rmd17", "--molecule", "ethanol")
    run("prepare", "sample")
    printed = " ".join(run("list").split())
    assert "ethanol, revised" in printed or "ethanol, H C N O revised" in printed
    assert f"Prepared in: {prepared}" in printed
    assert "revised" not in run("list", "--root", prepared / "empty")


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "2"}', "\x00"])
def test_a_damaged_manifest_is_marked_and_the_others_are_listed(prepared, run, content):
    run("prepare", "sample")
    folder = prepared / "rmd17-0"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(content)
    printed = run("list")
    assert f"Damaged: {folder / 'manifest.json'} is damaged (" in printed
    assert f"Delete the folder {folder}; the dataset is then prepared again." in printed
    assert all(line.split()[-1] != "no" for line in printed.splitlines() if "inside the package" in line)
    assert "yes" in printed
