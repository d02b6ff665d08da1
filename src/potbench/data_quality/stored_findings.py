"""What a first look at a prepared dataset finds: taken once, and kept beside the arrays."""

from __future__ import annotations

import json
from contextlib import suppress

from potbench.data_quality import duplicates
from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.sampled import sampled
from potbench.loading import Store
from potbench.whole_file import write_text

FILE = "first_look.json"
FORMAT = 3
"""Raised when checks change, so that stores are looked at again."""
SAMPLE = 2000
FEW_FRAMES = 500_000


def first_look(store: Store) -> list[Finding]:
    """Return what a first look finds; where it was taken already, what it found then.

    Args:
        store: the dataset; where its folder can be written to, the findings are kept there.
    """
    file = store.folder / FILE
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        if (kept["format"], kept["fingerprint"]) == (FORMAT, store.fingerprint):
            return [Finding(name, Verdict(verdict), seen, expected) for name, verdict, seen, expected in kept["found"]]
    found = cheap(store)
    rows = [[finding.name, finding.verdict.value, finding.seen, finding.expected] for finding in found]
    with suppress(OSError):  # a folder that others own
        write_text(
            file, json.dumps({"format": FORMAT, "fingerprint": store.fingerprint, "found": rows}, ensure_ascii=False)
        )
    return found


def cheap(store: Store) -> list[Finding]:
    """Examine what takes a moment, for every dataset that is prepared."""
    copies = []
    if len(store) <= FEW_FRAMES:
        original = duplicates.originals(store)
        copies = [duplicates.exact(store, original), duplicates.contradicting(store, original)]
    return [*copies, *sampled(store, SAMPLE, 0)]
