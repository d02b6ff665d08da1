"""Runs that no study made: found in folders, and named by what tells them apart."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from potbench.errors import RunError
from potbench.results.member import Absent, Label, Member, Outcome
from potbench.results.reading import Reading
from potbench.runs.choices import Choices
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record

MOST_DIFFERENCES = 3
PLAN = "plan.json"
"""Of a study, beside its runs."""
FOLD = re.compile(r"(?<=[( ])fold=(\d+)")
"""The fold in the rule of a split, at any depth: one that is tested (KFold), or that validates (Folds)."""
SIZES = re.compile(r"\b(?:size|train|validation|test)=[^,)]*")
"""What of the rule of a split says how many frames there are."""
CELL = re.compile(r"-[^-]+(?:-n\d+)?-t\d+(?:-f\d+)?-[0-9a-f]{8}$")
"""What the config of a study's run has in its name behind the architecture."""
BASELINES = {"Composition", "Pairwise", "Coordinates"}


def find_runs(paths: Iterable[Path]) -> list[RunFolder]:
    """Return the runs at some places, or in the folders below them; a place without any is returned itself.

    Args:
        paths: folders of runs, or folders that contain some.

    Raises:
        RunError: a place does not exist.
    """
    found: dict[Path, RunFolder] = {}
    for path in paths:
        if not path.exists():
            raise RunError(f"{path} does not exist. Expected the folder of a run, or one with runs in it.")
        folders = {file.parent for name in ("config.yaml", "record.json") for file in path.rglob(name)}
        inside = sorted(folder for folder in folders if not _is_trial(folder, path))
        for folder in [path] if path in inside or not inside else inside:
            found.setdefault(folder.resolve(), RunFolder(folder))
    return list(found.values())


def _is_trial(folder: Path, place: Path) -> bool:
    """Tell whether a run is of a search in a study below a place: these are not compared."""
    studies = [each for each in folder.parents if (each == place or place in each.parents) and _is_study(each)]
    return any(study / "runs" not in folder.parents for study in studies)


def _is_study(folder: Path) -> bool:
    return (folder / PLAN).is_file() and (folder / "runs").is_dir()


def members_of(runs: Sequence[RunFolder]) -> tuple[list[Member], list[Absent]]:
    """Label runs by what they say of themselves, and name those that say nothing.

    Runs whose configs differ by seeds alone are trainings of one architecture.

    Args:
        runs: in any order.
    """
    absent: list[Absent] = []
    readings: list[Reading] = []
    for reading in map(Reading, sorted(runs, key=lambda run: str(run.path))):
        if reading.record is None or reading.choices is None:
            absent.append(Absent(str(reading.folder.path), reading.reason))
        else:
            readings.append(reading)
    kinds = {_kind(reading): reading for reading in reversed(readings)}
    architectures = _architectures(kinds)
    datasets = _datasets([_record(reading) for reading in readings])
    groups: dict[tuple[str, str, int], list[Reading]] = defaultdict(list)
    records = [_record(reading) for reading in readings]
    for reading in readings:
        record = _record(reading)
        key = (architectures[_kind(reading)], datasets[record.data.fingerprint], _size(record, records))
        groups[key].append(reading)
    # numbers of training frames are a question of their own where an architecture has several
    sizes = {
        dataset
        for architecture, dataset, _ in groups
        if len({key[2] for key in groups if key[:2] == (architecture, dataset)}) > 1
    }
    kept: dict[tuple[str, str, int], list[Reading]] = defaultdict(list)
    for key, found in groups.items():
        ordered = sorted(found, key=_order)
        finished: dict[tuple[object, ...], Reading] = {}
        for reading in ordered:
            if reading.outcome is Outcome.FINISHED:
                finished.setdefault(_draw(reading), reading)
        used: dict[str, Path] = {}
        for reading in ordered:
            first = finished.get(_draw(reading), reading)
            # what diverged is a result of its own
            if first is not reading and reading.outcome is not Outcome.DIVERGED:
                reason = f"it is the training of {first.folder.path} again: same config, seeds and frames"
                reason = "; ".join(filter(None, [reading.reason, reason]))
                absent.append(Absent(str(reading.folder.path), reason, "note"))
                continue
            if shared := sorted(_weights(reading) & used.keys()):
                reason = (
                    f"{len(shared)} of its members {'is' if len(shared) == 1 else 'are'} in {used[shared[0]]}, too: "
                    "ensembles that share members are no independent trainings"
                )
                absent.append(Absent(str(reading.folder.path), reason, "note"))
                continue
            used |= dict.fromkeys(_weights(reading), reading.folder.path)
            kept[key].append(reading)
    numbers = _numbers(kept)
    members = []
    for (architecture, dataset, size), found in kept.items():
        baseline = _choices(found[0]).potential.get("") in BASELINES
        for reading in found:
            number, fold = numbers[reading.folder.path], _fold(_record(reading))
            label = Label(architecture, dataset, size if dataset in sizes else None, number, fold, baseline)
            facts = (reading.outcome, reading.reason, reading.record, reading.choices)
            members.append(Member(label, reading.folder, *facts, _kind(reading)))
    return members, absent


def _numbers(kept: Mapping[tuple[str, str, int], Sequence[Reading]]) -> dict[Path, int]:
    """Number the trainings of each architecture on each dataset: those of one draw alike at all sizes, from 0 on.

    Args:
        kept: architecture, dataset, number of training frames → its trainings.
    """
    draws: dict[tuple[str, str, int | None], dict[Path, tuple[object, ...]]] = defaultdict(dict)
    for (architecture, dataset, _), readings in kept.items():
        again: Counter[tuple[object, ...]] = Counter()
        for reading in readings:
            fold = _fold(_record(reading))
            draw = _draw_of_any_size(reading)
            draws[architecture, dataset, fold][reading.folder.path] = (*draw, again[fold, draw])
            again[fold, draw] += 1
    found: dict[Path, int] = {}
    for drawn in draws.values():
        places = {draw: place for place, draw in enumerate(sorted(set(drawn.values())))}
        found |= {path: places[draw] for path, draw in drawn.items()}
    return found


def _draw_of_any_size(reading: Reading) -> tuple[str, int, str, int]:
    """Return what was drawn, however many training frames there are; of one that was not seeded, the folder."""
    record = _record(reading)
    seed, path = record.seeds.everything, str(reading.folder.path)
    rule = SIZES.sub("", FOLD.sub("", record.split.rule))
    return rule, -1 if seed is None else seed, path if seed is None else "", record.seeds.batches


def _kind(reading: Reading) -> str:
    """Return what trainings of one architecture have in common; a warm start makes another of it."""
    record = _record(reading)
    members = record.ensemble.members if record.ensemble is not None else ()
    recipes = sorted(member.choices for member in members if member.choices is not None)
    return "-".join([_choices(reading).identity, *recipes, *sorted(parent.sha256 for parent in record.parents)])


def _draw(reading: Reading) -> tuple[object, ...]:
    """Return what was drawn for a training; of one that was not seeded, the folder: no other is like it."""
    record = _record(reading)
    if record.ensemble is not None:  # its seeds are those of one member
        return record.split.fingerprint, *sorted(_weights(reading))
    seed = record.seeds.everything
    return record.split.fingerprint, str(reading.folder.path) if seed is None else seed, record.seeds.batches


def _weights(reading: Reading) -> set[str]:
    """Return the weights of the members of an ensemble, by the sha256 of their files."""
    ensemble = _record(reading).ensemble
    return {member.sha256 for member in ensemble.members} if ensemble is not None else set()


def _fold(record: Record) -> int | None:
    """Return the fold of a run; None without folds."""
    found = FOLD.search(record.split.rule)
    return None if found is None else int(found[1])


def _size(record: Record, records: Sequence[Record]) -> int:
    """Return the number of training frames; of folds that differ by a few, that of the smallest."""
    if _fold(record) is None:
        return record.split.train
    rule = FOLD.sub("", record.split.rule)
    same = [each for each in records if each.data.fingerprint == record.data.fingerprint]
    return min(each.split.train for each in same if FOLD.sub("", each.split.rule) == rule)


def _order(reading: Reading) -> tuple[str, int, int, str]:
    # the same draw of training frames has the same place in all architectures, so that they are pairs
    record = _record(reading)
    seed = record.seeds.everything
    return record.split.fingerprint, -1 if seed is None else seed, record.seeds.batches, str(reading.folder.path)


def _architectures(kinds: Mapping[str, Reading]) -> dict[str, str]:
    """Name each kind as its study does, by its file, or by its classes, and by what differs where that is the same."""
    named = {
        kind: _imported(_record(reading)) or _planned(reading.folder) or _file(_record(reading).command)
        for kind, reading in kinds.items()
    }
    if any(name is None for name in named.values()):
        named = {kind: _choices(reading).name for kind, reading in kinds.items()}
    alike: dict[str, list[str]] = defaultdict(list)
    for kind, name in named.items():
        alike[str(name)].append(kind)
    found: dict[str, str] = {}
    for name, same in alike.items():
        choices = {kind: _choices(kinds[kind]) for kind in same}
        differences = _differences(choices) if len(same) > 1 else dict.fromkeys(same, "")
        for place, kind in enumerate(sorted(same, key=lambda kind: differences[kind])):
            twice = sum(differences[other] == differences[kind] for other in same) > 1
            parents = _record(kinds[kind]).parents
            parts = [differences[kind], "warm start" if parents and twice else "", f"{place + 1}" if twice else ""]
            details = ", ".join(filter(None, parts))
            found[kind] = f"{name} ({details})" if details else name
    return found


def _imported(record: Record) -> str | None:
    """Return the name of the file that a run was imported from, which its config does not name."""
    return Path(record.parent.checkpoint).stem if record.parent and record.is_imported else None


def _planned(run: RunFolder) -> str | None:
    """Return the name that a study has for the architecture of its run."""
    folder = run.path.absolute()
    try:
        cells = json.loads((folder.parent.parent / PLAN).read_text(encoding="utf-8"))["cells"]
        return next(str(each["architecture"]) for each in cells if folder.name.endswith(f"-{each['identity'][:8]}"))
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return None


def _file(command: str) -> str | None:
    """Return the name of the file of a potential in a command, or that of its only config."""
    try:
        files = [Path(part.partition("=")[2] or part) for part in shlex.split(command) if part.endswith(".yaml")]
    except ValueError:
        return None
    of_potentials = [file.stem for file in files if file.parent.name == "potential"]
    named = of_potentials or [file.stem for file in files if file.name != "config.yaml"]
    return CELL.sub("", named[-1]) if len(named) == 1 or of_potentials else None


def _differences(choices: Mapping[str, Choices]) -> dict[str, str]:
    """Say of each what its settings are that differ among them."""
    everything = {kind: each.all for kind, each in choices.items()}
    names = sorted(set().union(*everything.values()))
    differ = [name for name in names if len({str(each.get(name)) for each in everything.values()}) > 1]
    shown = differ[:MOST_DIFFERENCES]
    more = f" and {len(differ) - MOST_DIFFERENCES} more" if len(differ) > MOST_DIFFERENCES else ""
    return {
        kind: ", ".join(f"{name.rpartition('.')[2]} {each.get(name)}" for name in shown) + more
        for kind, each in everything.items()
    }


def _datasets(records: Sequence[Record]) -> dict[str, str]:
    """Name datasets, fingerprint → name: by options where several have one name, such as the molecule."""
    manifests = {record.data.fingerprint: record.data for record in records}
    found = {}
    for fingerprint, manifest in manifests.items():
        same = [other for other in manifests.values() if other.name == manifest.name]
        names = sorted({name for other in same for name in other.options})
        differ = [name for name in names if len({other.options.get(name) for other in same}) > 1]
        details = " ".join(str(manifest.options.get(name)) for name in differ)
        found[fingerprint] = f"{manifest.name} {details}".strip()
    return found


def _record(reading: Reading) -> Record:
    assert reading.record is not None
    return reading.record


def _choices(reading: Reading) -> Choices:
    assert reading.choices is not None
    return reading.choices
