"""python -m potbench."""

import sys

from potbench.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
