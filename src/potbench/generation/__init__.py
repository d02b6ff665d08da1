"""Reference data made by any ASE calculator."""
