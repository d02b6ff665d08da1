"""Free functions on atoms in one row."""
