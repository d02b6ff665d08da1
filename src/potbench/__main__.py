"""python -m potbench."""

import sys

if __name__ == "__main__":
    # before anything is imported: Python looks into the current folder first, and its files may be anybody's
    folder = [] if sys.flags.safe_path else [sys.path.pop(0)]

    from potbench.cli.main import main
    from potbench.runs import current_folder

    current_folder.left_out += folder
    sys.exit(main())
