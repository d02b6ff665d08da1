"""Records, tables and figures of runs."""
