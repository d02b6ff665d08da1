"""Numbers and verdicts as sentences and tables of a report say them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from potbench.reporting.rounding import three_digits
from potbench.results.row import Row, folds_of
from potbench.results.table import Compared, Table
from potbench.statistics.interval import Basis, Interval, TrainingMean
from potbench.statistics.verdict import Comparison, Remedy, Verdict


def plural(number: int, noun: str) -> str:
    """Return a number of things: 1 training, 3 trainings."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def title(text: str) -> str:
    """Return a text with a capital letter at its beginning: Forces MAE."""
    return text[:1].upper() + text[1:]


def listing(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def between(interval: Interval) -> str:
    """Return both ends of an interval: 0.48–0.56."""
    return f"{_digits(interval.low)}–{_digits(interval.high)}"


def error(mean: TrainingMean) -> str:
    """Return an error as tables show it: 0.52 ± 0.04; both values of two trainings."""
    if mean.mean is None:
        return "none"
    if mean.basis is Basis.TWO_TRAININGS or (mean.basis is Basis.DIVERGED and len(mean.values) <= 3):
        return ", ".join(map(three_digits, mean.values))
    if mean.interval is None:
        return three_digits(mean.mean)
    half = mean.interval.high - mean.mean  # the other end may be cut off at zero
    return f"{three_digits(mean.mean)} ± {_two_digits(half)}"


def basis(row: Row) -> str:
    """Say on what an error rests: interval over 3 trainings, one training, 2 of 3 trained."""
    number = len(row.mean.values)
    missing = f", {row.missing} missing" if row.missing else ""
    if row.lost:
        return f"{row.trained} trained{missing}"
    if row.mean.basis is Basis.TRAININGS and (folds := folds_of(row.trainings)) is not None:
        return f"interval over {len(set(folds.tolist()))} folds, {number} trainings{missing}"
    if row.mean.basis is Basis.TRAININGS:
        return f"interval over {number} trainings{missing}"
    if row.mean.basis is Basis.FOLDS:
        return f"corrected resampling over {number // len(row.trainings)} folds{missing}"
    if row.mean.basis is Basis.ONE_TRAINING:
        frames = "" if row.mean.interval is None else ", interval over the frames"
        return f"one training{frames}{missing}"
    return f"{row.mean.basis}{missing}"


def verdict(comparison: Comparison, smallest_difference: float) -> str:
    """Return what can be said of two architectures, and where nothing can, what would decide it."""
    if comparison.verdict == Verdict.BETTER | Verdict.EQUAL:
        return f"better, by less than {100 * smallest_difference:g} %"
    if comparison.verdict is Verdict.BETTER:
        return "better"
    if comparison.verdict is Verdict.EQUAL:
        return "equal"
    return "undecided"


def cure(comparison: Comparison) -> str:
    """Return what would decide a comparison: more trainings: 12 each."""
    found = comparison.would_decide
    if found is None:
        return ""
    if found.remedy is Remedy.TRAININGS and found.trainings is not None:
        return f"{found.remedy}: {found.trainings:,} each"
    return str(found.remedy)


def would_decide(comparisons: Sequence[Comparison]) -> str:
    """Say what would decide all comparisons that are undecided."""
    open_ = [each for each in comparisons if not each.verdict and each.would_decide is not None]
    remedies = {each.would_decide.remedy for each in open_ if each.would_decide}
    if Remedy.FINISHED_TRAININGS in remedies:
        return "Trainings that do not diverge would decide it."
    if Remedy.DATA in remedies:
        return f"{title(Remedy.DATA)} would decide it."
    if Remedy.FRAMES in remedies:
        return "More test frames would decide it, not more trainings."
    numbers = [each.would_decide.trainings for each in open_ if each.would_decide and each.would_decide.trainings]
    if not numbers:
        return ""
    return f"About {plural(max(numbers), 'training')} of each would decide it, if the errors stay as they are."


def times(compared: Compared) -> str:
    """Return a ratio with its interval: 0.81 (0.75–0.88)."""
    ratio = _digits(exp(compared.ratio.log_ratio))
    return ratio if compared.interval is None else f"{ratio} ({between(compared.interval)})"


def with_unit(table: Table, row: Row) -> str:
    """Return the error of a row with its unit, interval and basis, energies in meV too, for a sentence."""
    mean, unit = row.mean, table.unit
    if mean.mean is None:
        return "no error"
    text = f"{three_digits(mean.mean)} {unit}"
    in_mev = table.metric.in_mev(mean.mean, table.group.energy_unit)
    if in_mev is not None:
        text += f" = {three_digits(in_mev[0])} {in_mev[1]}"
    if mean.interval is None:
        return f"{text} ({basis(row)})"
    rests = basis(row).removeprefix("interval ")
    return f"{text} (95 % interval {between(mean.interval)}, {rests})"


def _two_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:#.2g}".rstrip(".")


def _digits(value: float) -> str:
    return three_digits(value) if value >= 0 else f"−{three_digits(-value)}"
