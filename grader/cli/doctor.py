"""``grader doctor``: what this machine can do: isolation tiers, limits, versions, and how to get
what is missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

LIBRARIES = (
    "numpy",
    "h5py",
    "pytest",
    "nbclient",
    "nbformat",
    "ipython",
    "jinja2",
    "landlockpy",
    "pyseccomp",
)

# What a tier leaves open even where it works; docs/security.md has the whole table.
LEFT_OPEN = {
    "bubblewrap": "bugs of the kernel, and what can be measured: time, caches, the machine's load",
    "landlock": (
        "names and sizes of files can be learned; a hole in Landlock or seccomp is one in the tier"
    ),
    "none": (
        "the answers, all files, the network and other processes can be reached; time alone is"
        " bounded"
    ),
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        description=__doc__,
    )
    command.add_argument(
        "--assignment",
        type=Path,
        metavar="DIR",
        help="also look for the packages that this assignment `requires`",
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Try every tier and print what was found; 0 where untrusted code can be graded here, else
    2.
    """
    from grader import __version__
    from grader.limits import Limits
    from grader.machine import cores
    from grader.model import Tier
    from grader.sandbox.ladder import probe

    print(
        f"grader {__version__}, Python {platform.python_version()}, {platform.system()}"
        f" {platform.release()}"
    )
    print(f"user: {'root' if _is_root() else 'an ordinary user'}; {cores()} cores")
    print("\nisolation tiers, strongest first:")
    reports = probe()
    for report in reports:
        print(f"  {'works' if report.works else 'no   '}  {report.tier:11} {report.sentence}")
        if not report.works and report.remedy:
            print(f"         {'':11} to get it: {report.remedy}")
        if report.works:
            print(f"         {'':11} left open: {LEFT_OPEN[report.tier]}")
    usable = [report.tier for report in reports if report.works and report.tier is not Tier.NONE]
    if usable:
        print(f"  --isolation auto takes: {usable[0]}")
    else:
        print(
            "  --isolation auto stops: none of these holds; `--isolation none` is for code that you"
            " trust"
        )
    print("\nlimits of a submission, unless assignment.toml says otherwise:")
    limits = Limits()
    for name in limits.__struct_fields__:
        print(f"  {name:17} {getattr(limits, name):g}")
    print("\nlibraries:")
    print("  " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES))
    missing = _packages(options.assignment) if options.assignment else 0
    return 0 if usable and not missing else 2


def _packages(folder: Path) -> int:
    """Print the packages that an assignment needs; return how many of them are missing or too
    old.
    """
    from packaging.requirements import Requirement

    from grader.assignment.spec import load

    missing = 0
    print(f"\npackages that {folder} requires:")
    requires = load(folder).spec.requires
    for text in requires:
        wanted = Requirement(text)
        found = _version(wanted.name)
        fits = found != "missing" and wanted.specifier.contains(found, prereleases=True)
        missing += not fits
        print(
            f"  {'works' if fits else 'no   '}  {text}: {found}"
            + ("" if fits else f"; pip install '{text}'")
        )
    if not requires:
        print("  none")
    return missing


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _version(name: str) -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
