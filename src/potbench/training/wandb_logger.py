"""The logger of Weights & Biases, under the name that configs of earlier versions give it."""

from potbench.dashboards.wandb_logger import WandbLogger

__all__ = ["WandbLogger"]
