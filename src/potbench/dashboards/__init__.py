"""Loggers that show a run elsewhere: Weights & Biases, TensorBoard."""

from potbench.dashboards.tensorboard_logger import TensorBoardLogger
from potbench.dashboards.wandb_logger import WandbLogger

__all__ = ["TensorBoardLogger", "WandbLogger"]
