"""What a zygote is started with: its settings, its environment, the compiled filter of system
calls.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from grader.limits import THREADS, Limits

SIGNAL_SCOPE_ABI = 6  # of Landlock, since Linux 6.12
FONT_LIST, FONT_SECONDS = "fontlist-*.json", 60.0
VERSION = re.compile(r"^(?:__)?version(?:__)? = ['\"]([\w.+]+)['\"]", re.MULTILINE)
LIST_FONTS = "import sys; sys.path.extend(sys.argv[1:]); import matplotlib.font_manager"


class ZygoteSettings(msgspec.Struct, frozen=True):
    """The settings of a zygote: paths and limits, no secret."""

    base: str  # where the scratch folders lie
    roots: list[str]  # may be read and run, but for what is withheld in them
    run: list[str]  # the same, entry by entry where something is withheld
    listed: list[str]  # the folders of those entries: may be listed
    read: list[str]  # may be read
    own: list[str]  # what the zygote itself is made of
    withheld: list[str]  # packages that are not there
    limits: Limits
    filter: bytes  # of system calls, compiled
    notebooks: bool
    tasks: int  # of the zygote's user, out of its sight
    users: int  # where the sandbox's block of user ids begins


class StartFailed(Exception):
    """The zygote did not come up; the message says why, and ``remedy``, if anything, what would
    help.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy


def environment(home: Path) -> dict[str, str]:
    """Return the zygote's environment, from which nothing of the caller's can be learnt."""
    from grader.sandbox.inside.walls import scratch  # for Linux alone, unlike the rest of this file

    # HDF5 would take locks on data files that boxes share; the font list is made once per user, or
    # once per run if a user has no home folder (a service, a cron job).
    return {
        **dict.fromkeys(THREADS, "1"),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(font_cache() or home / scratch.FONTS),
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "USER": "student",
        "LOGNAME": "student",
    }


def filter_program() -> bytes:
    """Return the compiled filter of system calls for this kernel; raise `StartFailed` where it
    can't be had.
    """
    try:
        import landlockpy

        from grader.sandbox.inside.walls import syscalls

        scoped = landlockpy.abi_version() >= SIGNAL_SCOPE_ABI
        return syscalls.program(own_signals_only=not scoped)
    # the second where the system has no libseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise StartFailed(
            f"{error}", "pip install landlockpy pyseccomp; apt-get install libseccomp2."
        ) from error


def font_cache() -> Path | None:
    """Return the folder with matplotlib's list of fonts, which zygotes read and never write.

    It is made here when a user's first zygote is started; None if there can be no such folder.
    """
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("grader"), f"matplotlib-{_matplotlib()}")
        if not folder.is_absolute():
            return None
        if not any(folder.glob(FONT_LIST)):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            _list_fonts(folder)
        return folder if any(folder.glob(FONT_LIST)) else None
    except (OSError, RuntimeError):  # the second where the system knows of no home for this user
        return None


def _matplotlib() -> str:
    """Return matplotlib's version, without importing it: another one has another list."""
    spec = importlib.util.find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        with contextlib.suppress(OSError):
            found = VERSION.search(Path(folder, "_version.py").read_text(encoding="utf-8"))
            if found:
                return found[1]
    return "of-any-version"


def _list_fonts(folder: Path) -> None:
    """Let matplotlib make its list of fonts, which takes a few seconds, in a process of its own."""
    from grader.sandbox import readable_paths  # of zygotes alone: a student's machine may have none

    packages = map(str, readable_paths.package_folders())
    command = [sys.executable, "-I", "-c", LIST_FONTS, *packages]
    own = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MPLBACKEND": "agg"}
    with contextlib.suppress(subprocess.SubprocessError):
        subprocess.run(
            command,
            env={**own, "HOME": str(folder), "MPLCONFIGDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=FONT_SECONDS,
            check=False,
        )
