"""What was found out about a trained potential: whether it obeys the physical laws, and how it does at work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True)
class LawFound:
    """A physical law, and how far a trained potential is from it.

    Args:
        name: of the law.
        verdict: refused where it asks about molecules that the potential refuses.
        violation: the largest that was found; None where it was refused, or is not finite.
        tolerance: the largest that is allowed.
        unit: of both.
    """

    name: str
    verdict: Literal["pass", "FAIL", "refused"]
    violation: float | None
    tolerance: float
    unit: str

    @classmethod
    def of(cls, name: str, violation: float | None, tolerance: float, unit: str) -> LawFound:
        """Return what a violation says of a law; None where its molecules were refused."""
        verdict: Literal["pass", "FAIL", "refused"] = "refused"
        if violation is not None:
            verdict = "pass" if violation <= tolerance else "FAIL"  # so put, NaN fails
        finite = violation if violation is not None and math.isfinite(violation) else None
        return cls(name, verdict, finite, tolerance, unit)


@dataclass(frozen=True)
class Examined:
    """What a protocol of the examination found.

    Args:
        protocol: its name, such as nve or bond stretch.
        quantity: what was measured, a few words.
        molecule: of which; empty where it is of several.
        value: None where it is not finite, or where the protocol could not be followed.
        limit: what the value must not be above; None where nothing is said of it.
        unit: of both; empty for a number.
        verdict: empty where the value is only reported, refused where the protocol does not apply.
        note: what a reader has to know, a sentence or two.
        mode: how long the examination was: dev, fast or standard.
        lowest: what the value must not be below; None where nothing is said of it.
    """

    protocol: str
    quantity: str
    molecule: str
    value: float | None
    limit: float | None
    unit: str
    verdict: Literal["pass", "FAIL", "refused", ""]
    note: str = ""
    mode: str = ""
    lowest: float | None = None

    @property
    def allowed(self) -> str:
        """Return between which limits the value passes, as tables show it: ≤ 1, ≥ 1, 3 to 5; empty without any."""
        if self.limit is not None and self.lowest is not None:
            return f"{self.lowest:.3g} to {self.limit:.3g}"
        if self.limit is not None:
            return f"≤ {self.limit:.3g}"
        return "" if self.lowest is None else f"≥ {self.lowest:.3g}"

    @classmethod
    def judged(
        cls,
        protocol: str,
        quantity: str,
        molecule: str,
        value: float,
        limit: float | None,
        unit: str,
        note: str = "",
        lowest: float | None = None,
    ) -> Self:
        """Return a value that passes up to a limit, and down to another; NaN fails."""
        finite = value if math.isfinite(value) else None
        passes = (limit is None or value <= limit) and (lowest is None or value >= lowest)
        verdict: Literal["pass", "FAIL"] = "pass" if passes and not math.isnan(value) else "FAIL"
        return cls(protocol, quantity, molecule, finite, limit, unit, verdict, note, lowest=lowest)

    @classmethod
    def refused(cls, protocol: str, molecule: str, note: str) -> Self:
        """Return that a protocol does not apply, and why."""
        return cls(protocol, "", molecule, None, None, "", "refused", note)
