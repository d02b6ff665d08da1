"""Make reference data with any ASE calculator."""
