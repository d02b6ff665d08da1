"""Figures and tables of arrays, curves and quantities."""
