from collections.abc import Callable
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import MLFlowLogger

from potbench.cli.foreign import Maker
from potbench.datasets import RMD17
from potbench.errors import SettingError

WEIGHTS = [torch.nn.Parameter(torch.zeros(1))]


@pytest.mark.parametrize(
    ("kind", "arguments", "settings", "setting"),
    [
        (Trainer, (), {"max_epochs": -5, "accelerator": "cpu"}, "max_epochs"),
        (Trainer, (), {"accelerator": "gpu", "devices": 1}, "accelerator"),
        (Trainer, (), {"accelerator": "cpu", "devices": "0"}, "devices"),
        (Trainer, (), {"accelerator": "cpu", "strategy": "none"}, "strategy"),
        (torch.optim.Adam, (WEIGHTS,), {"weight_decay": 0.0, "lr": -1.0}, "lr"),
        (torch.optim.SGD, (WEIGHTS,), {"lr": 0.1, "momentum": -1.0}, "momentum"),
        (torch.optim.Adam, (WEIGHTS,), {"lr": 0.1, "betas": (2.0, 3.0)}, ""),
        (EarlyStopping, (), {"monitor": "loss", "mode": "none"}, "mode"),
        # the package is not installed
        (MLFlowLogger, (), {"save_dir": "here", "prefix": "mlflow"}, ""),
    ],
)
def test_settings_that_a_library_refuses_are_named(
    kind: Callable[..., Any], arguments: tuple[object, ...], settings: dict[str, object], setting: str
) -> None:
    make = Maker()
    with pytest.raises(SettingError) as refused:
        make(kind, *arguments, **settings)  # type: ignore[type-var, arg-type]
    assert make.refused is refused.value
    assert (refused.value.owner, refused.value.setting) == (kind, setting)
    assert refused.value.value == settings.get(setting)


def test_what_potbench_refuses_passes_as_it_is() -> None:
    make = Maker()
    with pytest.raises(SettingError, match="Change the argument molecule of RMD17") as refused:
        make(RMD17, molecule="none")
    assert make.refused is refused.value


def test_a_defect_of_potbench_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(self: RMD17) -> None:
        raise ValueError("Shapes differ")

    monkeypatch.setattr(RMD17, "__init__", defect)
    make = Maker()
    with pytest.raises(ValueError, match="Shapes differ"):
        make(RMD17)
    assert make.refused is None


def test_what_can_be_made_is_made() -> None:
    assert isinstance(Maker()(torch.optim.Adam, WEIGHTS, lr=0.1), torch.optim.Adam)
