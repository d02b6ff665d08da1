"""python -m potbench."""

import sys

from potbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
