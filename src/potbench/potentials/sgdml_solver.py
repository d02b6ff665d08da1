"""The solution of sGDML, by its authors' package; what was solved is evaluated without it."""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potbench.structures import Frames

FRAMES_FOR_SYMMETRIES = 1000
"""Symmetries are searched in so many frames at most, as the package's own command line does."""


class SGDMLSolver:
    """Training frames of one molecule: its symmetries are found once, and the kernel is solved for any length scale.

    The equations are solved exactly, by a Cholesky decomposition of the kernel matrix of (3 atoms · frames)² numbers.

    Source: Chmiela, Sauceda, Poltavsky, Müller, Tkatchenko, Comput. Phys. Commun. 240, 38 (2019),
    doi:10.1016/j.cpc.2019.02.007.

    Args:
        frames: with forces.

    Raises:
        ImportError: the package is not installed.
        ValueError: the kernel matrix does not fit into the memory.
    """

    def __init__(self, frames: Frames) -> None:
        require_memory(*frames.positions.shape[:2])
        trainer = _trainer()
        from sgdml.utils.perm import find_perms

        numbers = frames.atomic_numbers.astype(np.int64)
        data = {
            "name": np.array(frames.molecule),
            "theory": np.array(""),
            "z": numbers,
            "R": frames.positions.astype(np.float64),
            "E": frames.energy,
            "F": np.asarray(frames.forces, dtype=np.float64),
        }
        permutations = find_perms(data["R"][:FRAMES_FOR_SYMMETRIES], numbers, max_processes=1)
        # all frames train, so that the package draws none
        num_frames = len(frames.energy)
        self._task = trainer.create_task(data, num_frames, data, 0, sig=0, perms=permutations)

    def solve(self, length_scale: int) -> dict[str, Tensor]:
        """The arrays of a solved `SGDML`, as its `load_state_dict` takes them.

        Args:
            length_scale: σ in Å⁻¹.
        """
        model = _trainer().train({**self._task, "sig": length_scale})
        points = torch.from_numpy(model["R_desc"]).T.contiguous()
        num_pairs = points.shape[1]
        # the package lists places in all permutations laid end to end, for each pair in turn
        places = torch.from_numpy(model["tril_perms_lin"]).view(num_pairs, -1).T
        factor = float(model["std"]) * 5 / (3 * length_scale**2)
        return {
            "atomic_numbers": torch.from_numpy(model["z"]),
            "points": points,
            "weights": factor * torch.from_numpy(model["R_d_desc_alpha"]),
            "permutations": places % num_pairs,
            "length_scale": torch.tensor(length_scale, dtype=torch.float64),
            "constant": torch.tensor(model["c"], dtype=torch.float64),
        }


def require_memory(num_frames: int, num_atoms: int) -> None:
    """Raise ValueError unless this many frames of a molecule can be solved with the memory that is free."""
    _trainer()
    import psutil

    # three times the matrix, and a little for the descriptors: what the package asks for. Where it finds less, it
    # would turn to an approximation without a word; it counts in whole GiB.
    need = 1.02 * 3 * 8 * (3 * num_atoms * num_frames) ** 2 / 2**30
    free = psutil.virtual_memory().available // 2**30
    if need > free:
        largest = int(num_frames * math.sqrt(free / need))
        raise ValueError(
            f"The kernel matrix of {num_frames:,} frames of {num_atoms} atoms takes {need:,.1f} GiB with what it takes "
            f"to solve it, and {free} GiB are free. Expected at most {largest:,} frames here; "
            "change data.init_args.split.init_args.train."
        )


@cache
def _trainer() -> Any:
    """The package's trainer, of which it allows one in a process."""
    loggers = logging.getLoggerClass()
    try:
        from sgdml.train import GDMLTrain
    except ImportError as error:
        raise ImportError(
            "sGDML is solved by the package sgdml, which is not installed. "
            "Expected it: pip install potbench[sgdml]. Or choose another potential (model)."
        ) from error
    finally:
        logging.setLoggerClass(loggers)  # sgdml would have every later logger of any library print to the terminal
    logging.getLogger("sgdml.train").setLevel(logging.WARNING)
    # torch builds the matrix: three times as fast as the package's processes, on a GPU where there is one
    return GDMLTrain(max_processes=1, use_torch=True)
