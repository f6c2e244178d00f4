"""``python -m grader`` and the ``grader`` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from grader.cli import run
    from grader.machine import collect_seldom

    collect_seldom()
    code = run(sys.argv[1:])
    gc.freeze()  # what is left need not be looked through before the process ends
    sys.exit(code)


if __name__ == "__main__":
    main()
