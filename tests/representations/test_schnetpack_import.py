import subprocess
import sys

import pytest
import torch

from potbench.errors import PotbenchError
from potbench.representations.schnetpack_import import build


@pytest.mark.slow
def test_schnetpack_comes_with_its_first_network_and_changes_no_logger():
    lines = [
        "import sys, logging, potbench.potentials, lightning.pytorch",
        "from lightning_utilities.core import rank_zero",
        "assert 'schnetpack' not in sys.modules",
        "from potbench.representations import SchNet",
        "SchNet(['H'], 8, 1)",
        "assert 'schnetpack' in sys.modules",
        "assert rank_zero.log.name.startswith('lightning.')",
        "assert logging.getLogger().level == logging.WARNING and not logging.getLogger().handlers",
    ]
    finished = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:torch", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
    )
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_network_has_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    assert build(lambda package: package.nn.CosineCutoff(5.0)).cutoff.dtype == torch.float64
    assert torch.get_default_dtype() == torch.float64


def test_what_schnetpack_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schnetpack", None)
    with pytest.raises(PotbenchError, match=r"^SchNetPack cannot be imported: .*schnetpack.*\. Install that, or"):
        build(lambda package: package.nn.CosineCutoff(5.0))
