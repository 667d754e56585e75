"""Run the command line with `python -m evolve`."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    # Python puts the current folder first; modules there are the user's and not imported.
    if Path(sys.path[0]).resolve() == Path.cwd() != CHECKOUT:
        del sys.path[0]

    from evolve.cli import main

    main()
