"""Run a command as an ordinary user: ``python as_user.py UID FOLDER... -- COMMAND...``. Root's to
use.

FOLDERs, and the interpreter with its packages, are made reachable for that user in a mount
namespace of this process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Open up, change the user, and become the command."""
    dashes = sys.argv.index("--")
    user, folders, command = int(sys.argv[1]), sys.argv[2:dashes], sys.argv[dashes + 1 :]
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from grader.sandbox import readable_paths
    from grader.sandbox.inside.walls import mounts

    needed = readable_paths.outermost([*readable_paths.python_paths(), *map(Path, folders)])
    mounts.open_up(needed)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
