"""Read file formats into arrays and structures, and check them."""
