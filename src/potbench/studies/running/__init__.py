"""Cells as processes: on this machine or a cluster, and on again after whatever stopped them."""
