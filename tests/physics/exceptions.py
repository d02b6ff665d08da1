"""Which laws an architecture is known to break, and why."""

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(name of the file in configs/model without .yaml, name of the law in potbench.laws.LAWS) → reason."""
