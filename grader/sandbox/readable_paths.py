"""What a box may read beside its scratch folder: Python, its packages, the system's libraries.
Paths, nothing more.

Only folders that hold installed software are named, never a prefix as a whole: a virtual
environment may lie inside the very checkout that holds the solutions.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("numpy", "h5py", "matplotlib", "IPython", "landlockpy")

SYSTEM = (
    "/lib",
    "/lib64",
    "/lib32",
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib32",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
)


def python_paths() -> list[Path]:
    """Return the folders and files that the running interpreter and its packages consist of."""
    found: list[Path] = []
    for prefix in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        found += map(Path(prefix).joinpath, ("lib", "lib64", "pyvenv.cfg"))
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        found.append(Path(sysconfig.get_path(name)))
    return [*found, *links(Path(sys.executable)), *package_folders()]


def links(path: Path) -> list[Path]:
    """Return a path and every place that it leads through, link by link: a virtual environment's
    interpreter.
    """
    found = [path]
    while found[-1].is_symlink() and len(found) < 40:
        found.append(found[-1].parent / found[-1].readlink())
    return found


def package_folders() -> list[Path]:
    """Return where the packages that a box needs are installed: a user's own folder, for one."""
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            found.append(folder.parent if spec.submodule_search_locations else folder)
    return found


class Runnable(NamedTuple):
    """What a box may read and run, as it is named and as it really lies; no path beneath
    another.
    """

    roots: list[str]  # with what is hidden in them
    hidden: list[str]  # packages that are withheld
    run: list[str]  # the roots, entry by entry where something hidden lies among the entries
    listed: list[str]  # the folders around what is hidden: to be listed and nothing more


def runnable(withheld: Sequence[str] = ()) -> Runnable:
    """Return what a box may read and run; packages named in ``withheld`` are hidden, wherever they
    are installed.
    """
    roots = outermost([*python_paths(), *map(Path, SYSTEM)])
    hidden: set[Path] = set()
    for library in map(Path, roots):
        for folder in (library, *packages_below(library)):
            hidden.update(filter(Path.exists, map(folder.joinpath, withheld)))
    run: list[str] = []
    listed: list[str] = []
    for root in roots:
        cut(Path(root), hidden, run, listed)
    return Runnable(roots, sorted(map(str, hidden)), run, listed)


def packages_below(root: Path) -> list[Path]:
    """Return the folders of packages below a folder of libraries."""
    return [*root.glob("python3*/*-packages"), *root.glob("*-packages")]


def cut(path: Path, hidden: set[Path], run: list[str], listed: list[str]) -> None:
    """Grant a path as a whole if nothing hidden lies in it, or else entry by entry."""
    if path in hidden:
        return
    if not any(place.is_relative_to(path) for place in hidden):
        run.append(str(path))
        return
    listed.append(str(path))
    for entry in sorted(path.iterdir()):
        if not entry.is_symlink() or entry.exists():
            cut(entry, hidden, run, listed)


def outermost(paths: Iterable[Path]) -> list[str]:
    """Return the existing paths and what they resolve to, without those that lie beneath others of
    them.
    """
    every = set(map(Path.absolute, filter(Path.exists, paths)))
    every |= set(map(Path.resolve, every))
    return sorted(str(path) for path in every if every.isdisjoint(path.parents))


def readable(paths: Sequence[Path]) -> list[str]:
    """Return the provided files as a box will see them."""
    return outermost(paths)


def import_path() -> list[str]:
    """Return the folders that the zygote needs on its module path beyond an isolated interpreter's
    own.
    """
    here = Path(__file__).resolve().parents[2]
    return list(dict.fromkeys(map(str, (here, *package_folders()))))


def own_code() -> list[str]:
    """Return the few files of this package that the zygote imports: beside them may lie the
    answers.
    """
    here = Path(__file__).resolve().parent
    files = [
        here.parent / "__init__.py",
        here / "__init__.py",
        *sorted(here.glob("wire*.py")),
        here / "inside",
    ]
    return list(map(str, filter(Path.exists, files)))
