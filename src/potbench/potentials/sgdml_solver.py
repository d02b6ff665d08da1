"""The solution of sGDML, by its authors' package; once solved, the potential works without it."""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potbench.errors import MissingPackageError, SettingError
from potbench.structures import Frames

FRAMES_FOR_SYMMETRIES = 1000
"""Permutations are searched in at most this many frames, as in the package's own command line."""


class SGDMLSolver:
    """Training frames of one molecule: its permutations are found once, and the kernel is solved for any length scale.

    The equations are solved exactly, by a Cholesky decomposition of the kernel matrix of (3 atoms · frames)² numbers.

    Source: Chmiela, Sauceda, Poltavsky, Müller, Tkatchenko, Comput. Phys. Commun. 240, 38 (2019),
    doi:10.1016/j.cpc.2019.02.007.

    Args:
        frames: with forces.

    Raises:
        MissingPackageError: the package is not installed.
        SettingError: the kernel matrix does not fit into the free memory.
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

    def model(self, length_scale: int) -> Any:
        """Return the model that the package's own predictor takes.

        Args:
            length_scale: σ in Å⁻¹.
        """
        return _trainer().train({**self._task, "sig": length_scale})

    def solve(self, length_scale: int) -> dict[str, Tensor]:
        """Return the arrays of a solved `SGDML`, as its `load_state_dict` takes them.

        Args:
            length_scale: σ in Å⁻¹.
        """
        model = self.model(length_scale)
        points = torch.from_numpy(model["R_desc"]).T.contiguous()
        num_pairs = points.shape[1]
        # for each pair, the package lists its places in the concatenation of all permutations
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


def require_memory(num_frames: int, num_atoms: int, owner: object = SGDMLSolver, setting: str = "frames") -> None:
    """Raise SettingError unless this many frames of a molecule can be solved with the memory that is free.

    Args:
        num_frames: frames of the training set.
        num_atoms: atoms of the molecule.
        owner: what chooses the frames.
        setting: the argument of the owner that does.
    """
    _trainer()
    import psutil

    # three times the matrix, and a little for the descriptors, as the package requires. With less it silently switches
    # to an approximation; it counts in whole GiB.
    need = 1.02 * 3 * 8 * (3 * num_atoms * num_frames) ** 2 / 2**30
    free = psutil.virtual_memory().available // 2**30
    if need > free:
        largest = int(num_frames * math.sqrt(free / need))
        raise SettingError(
            owner,
            setting,
            num_frames,
            f"at most {largest:,} training frames",
            f"Solving sGDML for {num_frames:,} frames of {num_atoms} atoms takes {need:,.1f} GiB of memory, "
            f"and {free} GiB are free",
        )


@cache
def _trainer() -> Any:
    """Return the package's trainer, of which it allows one in a process."""
    loggers = logging.getLoggerClass()
    try:
        from sgdml.train import GDMLTrain
    except ImportError as error:
        raise MissingPackageError("sgdml", "The solution of sGDML needs", "sgdml") from error
    finally:
        logging.setLoggerClass(loggers)  # sgdml makes every later logger of any library print to the terminal
    logging.getLogger("sgdml.train").setLevel(logging.WARNING)
    # torch builds the matrix: three times as fast as the package's processes, on a GPU where there is one
    return GDMLTrain(max_processes=1, use_torch=True)
