"""Batch and Prediction → trained weights: losses, metrics and the Lightning modules."""

from potbench.training.changing_loss import ChangingLoss
from potbench.training.closed_form import ClosedFormTask
from potbench.training.feature_cache.callback import FeatureCache
from potbench.training.gradient import GradientTask
from potbench.training.least_squares import LeastSquaresTask
from potbench.training.loss import EnergyForcesLoss
from potbench.training.monitor import Monitor
from potbench.training.muon import Muon
from potbench.training.schedule import OneCycle, PlannedSchedule, StepDecay
from potbench.training.task import Task

__all__ = [
    "ChangingLoss",
    "ClosedFormTask",
    "EnergyForcesLoss",
    "FeatureCache",
    "GradientTask",
    "LeastSquaresTask",
    "Monitor",
    "Muon",
    "OneCycle",
    "PlannedSchedule",
    "StepDecay",
    "Task",
]
