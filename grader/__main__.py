"""``python -m grader`` and the ``grader`` command."""

from __future__ import annotations

import gc
import sys

COLLECT_AFTER = 50_000  # objects: imports make many, which all stay


def main() -> None:
    """Run the command line and exit with its code."""
    from grader.cli import run

    gc.set_threshold(COLLECT_AFTER)
    code = run(sys.argv[1:])
    gc.freeze()  # what is left need not be looked through before the process ends
    sys.exit(code)


if __name__ == "__main__":
    main()
