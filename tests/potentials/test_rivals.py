"""Potentials whose networks are those of packages that are not installed with potbench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from potbench.errors import MissingPackageError, SettingError
from potbench.potentials import MACE, GraphPES, NequIP
from tests.rivals import skip_without_package


@pytest.mark.parametrize(
    ("potential", "package", "message"),
    [
        (
            MACE,
            "mace",
            "MACE needs the package mace-torch, which is not installed. Install it: pip install 'potbench[mace]'.",
        ),
        (
            GraphPES,
            "graph_pes",
            "Networks of graph-pes need the package graph-pes, which is not installed. Install it: pip install "
            "'potbench[graph_pes]'.",
        ),
        (
            NequIP,
            "nequip",
            "NequIP needs the package nequip, which is not installed. Install it: pip install 'potbench[nequip]'.",
        ),
    ],
)
def test_without_its_package_a_potential_says_what_to_install(potential, package, message, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as caught:
        potential(["H"])
    assert str(caught.value) == message


def test_sizes_that_cannot_be_are_refused_before_any_package_is_imported() -> None:
    with pytest.raises(SettingError, match="num_features is 0, expected more than 0"):
        MACE(["H"], num_features=0)
    with pytest.raises(SettingError, match="max_degree is -1, expected 0 or more"):
        MACE(["H"], max_degree=-1)
    with pytest.raises(SettingError, match="network is 'Pain', expected one of SchNet, PaiNN, TensorNet"):
        GraphPES(["H"], network="Pain")  # type: ignore[arg-type]


def test_after_mace_was_imported_torch_loads_weights_alone_as_before() -> None:
    """MACE sets a variable by which torch runs whatever a file of weights holds."""
    skip_without_package(Path("mace"))
    code = (
        "import os; from potbench.potentials import MACE; MACE(['H'], num_features=2); "
        "assert 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD' not in os.environ"
    )
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


def test_building_nequip_says_nothing_and_changes_nothing_of_torch() -> None:
    """Its own builder wants the seed, the precision and the compiler of the whole program to be its own."""
    skip_without_package(Path("nequip"))
    code = (
        "import os; import torch; from potbench.potentials import NequIP; "
        "state = lambda: (torch.get_default_dtype(), torch.multiprocessing.get_sharing_strategy(), "
        "[name for name in os.environ if name.startswith(('PL_', 'PYTORCH_JIT', 'TORCH_FORCE'))]); "
        "before = state(); NequIP(['H'], num_features=2); assert state() == before, state()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
