"""Runs side by side: what may be compared, what came of it, and the page that says so."""
