"""python -m potbench cost."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from potbench.errors import SettingError, require_positive


def cost(
    run: Path,
    *,
    ckpt_path: str = "best",
    frames: int = 100,
    threads: int = 1,
    accelerator: Literal["auto", "cpu", "gpu"] = "auto",
    allow: list[str] = [],  # noqa: B006 — never changed
) -> None:
    """Measure what energies and forces of a trained potential cost: latency, throughput, memory.

    Every call computes everything from positions, as molecular dynamics does: nothing is cached. Medians and ranges of
    seven repeats are printed, and those of the checkpoint that the run stands for join its record.

    Args:
        run: folder of a run.
        ckpt_path: best, last, or a file.
        frames: how many frames of the test set, from the smallest molecule to the largest; all where there are fewer.
        threads: of the processor; with one, machines with different numbers of cores can be compared.
        accelerator: cpu or gpu; auto takes a GPU where there is one.
        allow: packages that you trust, whose classes the run may name beside those of potbench.
    """
    from potbench.runs.folder import RunFolder

    require_positive(cost, frames=frames, threads=threads)
    folder = RunFolder(run)
    folder.require()
    checkpoint = folder.checkpoint(ckpt_path)

    import torch

    torch.set_num_threads(threads)
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise SettingError(cost, "accelerator", "gpu", "cpu", "There is no GPU that torch can use")
    device = torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")

    import numpy as np

    from potbench.cli.data_of_run import test_frames_by_size
    from potbench.laws.precision import default_dtype
    from potbench.loading.collate import gather
    from potbench.runs.allowed import Allowed
    from potbench.runs.checkpoint import load_potential
    from potbench.runs.inference_cost import measure
    from potbench.runs.later_findings import add_to_record
    from potbench.runs.summary import print_inference

    allowed = Allowed.by_flag(allow)
    potential = load_potential(checkpoint, allowed).to(device)
    store, by_size = test_frames_by_size(folder, allowed)
    chosen = by_size[np.linspace(0, len(by_size) - 1, min(frames, len(by_size))).astype(int)]
    trained_in = next((weight.dtype for weight in potential.parameters()), torch.get_default_dtype())
    with default_dtype(trained_in):
        found = measure(potential, gather(store, chosen).to(device))
    print_inference(found)
    print(add_to_record(folder, checkpoint, inference=found) or f"Written into {folder.record}.")
