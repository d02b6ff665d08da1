"""python -m potbench md."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from potbench.errors import SettingError


def md(
    run: Path,
    structure: Path,
    *,
    output: Path,
    time: float = 1.0,
    thermostat: Literal["langevin", "none"] = "langevin",
    temperature: float = 300.0,
    friction: float = 10.0,
    step: float = 0.5,
    replicas: int = 1,
    seed: int = 0,
    frame_every: float = 10.0,
    stop_spread: float | None = None,
    format: Literal["traj", "xyz"] = "traj",  # noqa: A002 — it is the flag's name
    ckpt_path: str = "best",
    device: str = "cpu",
    repulsion: bool = False,
    allow: list[str] = [],  # noqa: B006 — never changed; the parser takes None for no list
) -> None:
    """Let a molecule move: molecular dynamics with a trained potential.

    The same command resumes what was interrupted, to the same numbers, and with a longer time goes on from the end. It
    stops where a bond stretches by 0.5 Å, atoms collide or the molecule explodes.

    Args:
        run: folder of a run.
        structure: any file that ASE reads, of one molecule.
        output: folder to write: a trajectory of each replica, log.csv, and the state from which it resumes.
        time: how long, in ps.
        thermostat: langevin for constant temperature, none for constant energy (velocity Verlet).
        temperature: in K, of the thermostat and of the velocities at the start.
        friction: of the thermostat, in 1/ps.
        step: in fs.
        replicas: how many of the molecule move at once, each with its own random numbers.
        seed: of the first replica; the others count on.
        frame_every: time between two frames, in fs, rounded to whole steps.
        stop_spread: of an ensemble, the spread of the force on an atom, in eV/Å, at which it stops; the structure is
            then in uncertain.xyz.
        format: of the trajectories, ASE's or extended XYZ.
        ckpt_path: best, last, or a file.
        device: cpu, or cuda for many replicas.
        repulsion: nuclei repel each other (ZBL) at distances below those of the training set.
        allow: packages that you trust, whose classes the checkpoint may name beside those of potbench.
    """
    from potbench.cli.trained import load_trained

    if output.exists() and not output.is_dir():
        raise SettingError(md, "output", str(output), "a folder", f"{output} is a file, and nothing is overwritten")
    potential = load_trained(run, ckpt_path, device, allow, repulsion)

    from potbench.inference.dynamics_bar import DynamicsBar, described
    from potbench.inference.simulation import Plan, simulate
    from potbench.inference.structure_file import read_structures
    from potbench.units import MEV

    structures = read_structures(structure)
    if len(structures) > 1:
        problem = f"{structure} has {len(structures)} structures"
        raise SettingError(md, "structure", str(structure), "a file of one", problem)
    gamma = friction if thermostat == "langevin" else None
    plan = Plan(time, temperature, step, gamma, replicas, seed, frame_every, format, stop_spread)
    try:
        with DynamicsBar(time) as bar:
            found = simulate(potential, structures[0], output, plan, bar)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"stopped. The same command resumes the simulation in {output}.") from stop
    print(
        f"{found.time:g} ps of {replicas} {'replica' if replicas == 1 else 'replicas'}: {described(found)}; energy "
        f"fluctuates by {found.fluctuation / MEV:.3g} meV/atom. {found.frames} frames of each are in {output}"
    )
    if found.stopped:
        print(found.stopped)
    if found.outside:
        print(f"Warning: in {found.outside} frames, atoms are outside of the training set: extrapolation is above 1.")
