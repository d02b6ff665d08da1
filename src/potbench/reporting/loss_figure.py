"""How a run learned: losses and validation errors over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from potbench.reporting.style import BLUE, COLUMN, GRAY, ORANGE, add_heading, label_log_axis, round_ticks, style
from potbench.units import reported

PANELS = {
    "train/loss": "Loss",
    "validation/loss": "Loss",
    "validation/energy_mae": "Energy MAE\n({unit})",
    "validation/forces_mae": "Forces MAE\n({unit}/Å)",
}
"""Curves that are drawn → label of the panel each is drawn in."""


def draw_loss(
    curves: Mapping[str, Mapping[int, float]], energy_unit: str = "eV", about: str = "", best: int | None = None
) -> Figure | None:
    """Draw losses and validation errors over the epochs, each kind in a panel with a logarithmic axis of its own.

    Args:
        curves: name → epoch, counted from 0 → value; only those named in PANELS are drawn.
        energy_unit: unit of the energies.
        about: names of data and model, and the number of frames, above the figure.
        best: epoch, counted from 0, whose checkpoint the run stands for; None for none.

    Returns:
        The figure; None where no curve has anything that a logarithmic axis can show.
    """
    # a logarithmic axis has no place for zero, nor for what diverged
    shown = {
        name: {epoch: value for epoch, value in sorted(curves.get(name, {}).items()) if 0 < value < math.inf}
        for name in PANELS
    }
    labels = list(dict.fromkeys(label for name, label in PANELS.items() if shown[name]))
    if not labels:
        return None
    # what was measured in epoch 0 was measured after one epoch
    last = 1 + max(epoch for values in shown.values() for epoch in values)
    with style():
        figure = Figure(figsize=(COLUMN, 0.5 + 1.4 * len(labels)), layout="constrained")
        panels = figure.subplots(len(labels), sharex=True, squeeze=False)[:, 0]
        for label, axes in zip(labels, panels, strict=True):
            for name in (name for name, values in shown.items() if values and PANELS[name] == label):
                epochs, values = np.array(list(shown[name].items())).T
                stage = name.partition("/")[0]
                # a line through a single point shows nothing; the validation loss is the noisier one, and lies below
                marker = "o" if len(epochs) <= 30 else ""
                color, zorder = (BLUE, 3) if stage == "train" else (ORANGE, 2)
                axes.plot(epochs + 1, values, color=color, zorder=zorder, label=stage, marker=marker)
            axes.set(ylabel=label.format(unit=reported(energy_unit)[0]), yscale="log")
            label_log_axis(axes)
            if best is not None:
                axes.axvline(
                    best + 1, color=GRAY, linewidth=0.8, linestyle=":", zorder=1, label=f"best epoch: {best + 1:,}"
                )
        panels[0].legend(fontsize=7)
        figure.align_ylabels(panels)
        add_heading(figure, about)
        panels[-1].set(xlabel="Epoch", xlim=(0, last + max(0.5, 0.02 * last)))
        panels[-1].xaxis.set_major_locator(round_ticks(integer=True))
    return figure
