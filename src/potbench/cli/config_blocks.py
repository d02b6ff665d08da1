"""Blocks that a config names by their files, with single values of theirs changed below."""

from __future__ import annotations

import yaml

from potbench.errors import PotbenchError
from potbench.studies.yaml_text import KeyTwiceError, PeopleLoader


def with_blocks_below(content: str, name: str = "") -> str:
    """Return a config whose dotted keys change the blocks that it names by files, as they do those of its `config`.

    `data: FILE` beside `data.init_args.batch_size: 4` becomes a config that this one builds on. Otherwise the two would
    replace each other.

    Args:
        content: of the config; what is no mapping stays as it is, for the parser to refuse.
        name: of its file, where it has one.

    Raises:
        PotbenchError: a key stands twice, of which one would win in silence.
    """
    try:
        found = yaml.load(content, PeopleLoader)
    except KeyTwiceError as error:
        raise PotbenchError(
            f"{name or 'A config'} is ambiguous: {error}. Expected each key once. Change the config."
        ) from error
    except yaml.YAMLError:
        return content
    if not isinstance(found, dict):
        return content
    keys = [key for key in found if isinstance(key, str)]
    blocks = [key for key in keys if any(other.startswith(f"{key}.") for other in keys) and isinstance(found[key], str)]
    if not blocks:
        return content
    below = {key: found.pop(key) for key in ("config", *blocks) if key in found}
    return yaml.safe_dump({"config": yaml.safe_dump(below, sort_keys=False), **found}, sort_keys=False)
