"""A search in a process of its own, which can be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from potbench.studies.running.commands import Stage
from potbench.studies.searches import trial_run
from potbench.studies.searches.search import Search
from potbench.studies.searches.tune import SearchStopped, search
from tests.studies.fake_fit import COMMAND


def main(folder: str, what: str, config: str) -> int:
    trial_run.STAGES = (Stage("fit", COMMAND, ("budget",)),)
    trial_run.POLL = 0.02
    settings = json.loads(config)
    try:
        search(Path(folder), Search(**json.loads(what)), lambda values: {**settings, **values}, say=print)
    except SearchStopped as stop:
        return 128 + stop.signal
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
