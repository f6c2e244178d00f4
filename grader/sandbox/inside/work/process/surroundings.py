"""What student code shares with all other code of its process, and may change by accident: the
attributes of libraries' modules, the process's settings, the provided files.

`np.sum = 0` in one cell, or in one module, stops functions elsewhere that are not at fault. So a
public attribute of a library that can't serve any more is put back (`Libraries.put_back`). It takes
long to look at all of them, so it is done when something has raised, or when code has run that may
change one (`may_change`). A setting such as `np.seterr(all="raise")` may be what a student's own
code counts on. So it stays, and a call or a cell that raises under it is tried once more without it
(`ProcessSettings`).
"""

from __future__ import annotations

import builtins
import contextlib
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, KeysView
from operator import is_not
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from grader.sandbox.inside.work.process.may_change import may_change
from grader.sandbox.inside.work.process.replaced import foreign

MAIN = frozenset(("__main__",))  # where a notebook's cells are run
MOST_TOLD = 20  # names
RAISING = ("np.seterr", "warnings", "sys.path", "os.chdir")  # the first of `ProcessSettings`
_GONE = object()
# Python's own functions: what puts the others back calls them
_PYTHONS = {name: value for name, value in vars(builtins).items() if callable(value)}
_callable = callable


class Libraries:
    """The public functions, classes, modules and constants of the modules that are no student's."""

    _loaded: ClassVar[Libraries | None] = None

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}
        self._passed_over: set[str] = set()
        self._kept: dict[str, _ModuleState] = {}
        self._numbers: list[tuple[dict[str, Any], str, float]] = []
        self._count = 0  # modules when they were last looked at

    @classmethod
    def of_this_process(cls) -> Libraries:
        """Return those of this process; boxes inherit what was looked at before they were
        forked.
        """
        if cls._loaded is None:
            cls._loaded = cls()
        return cls._loaded

    def look(self, is_own: Callable[[str], bool] = lambda file: False) -> None:
        """Remember the modules that were loaded since, but for the student's own files, and what
        the others have more than before.

        A forked process that looks at all of them copies their pages. So this is done only if there
        are more or fewer modules than the last time.
        """
        if len(sys.modules) == self._count:
            return
        self._count = len(sys.modules)
        for name in sorted(sys.modules.keys() - self._modules.keys() - self._passed_over):
            module = sys.modules.get(name)
            if module is None or not _is_library(module, is_own):
                self._passed_over.add(name)
            else:
                self._modules[name] = module
                if _is_public(name):
                    self._kept[name] = _ModuleState(vars(module))
        for kept in self._kept.values():
            self._numbers += kept.look()

    @property
    def names(self) -> KeysView[str]:
        """Their modules' names."""
        return self._modules.keys()

    def have(self, key: str, value: Any) -> bool:
        """Return whether one of them has this value under this name."""
        return any(kept.has(key, value) for kept in self._kept.values())

    def swapped(self, theirs: frozenset[str]) -> Iterator[Swap]:
        """Yield the functions that stand in the place of others and are from the modules named."""
        for name, kept in self._kept.items():
            for key, space, before, now in kept.changed():
                if callable(before) and foreign(now, theirs):
                    yield Swap(f"{name}.{key}", key, space, before, now)

    def put_numbers_back(self) -> None:
        """Put back floats that were changed, such as `np.pi`: no call raises for them."""
        for space, key, value in self._numbers:
            if space.get(key) is not value:
                space[key] = value

    def put_back(self) -> list[str]:
        """Put back what can't serve any more, and return the names."""
        mended = [f"builtins.{name}" for name in _python_put_back()]
        for name in self._modules.keys() - sys.modules.keys():
            sys.modules[name] = self._modules[name]
        for name, kept in self._kept.items():
            mended += [f"{name}.{key}" for key in kept.put_back()]
        return mended[:MOST_TOLD]


def _python_put_back() -> Iterator[str]:
    space = builtins.__dict__
    for name, value in _PYTHONS.items():
        if name not in space or not _callable(space[name]):
            space[name] = value
            yield name


class Swap(NamedTuple):
    """A library's function in whose place student code has put another one."""

    name: str
    key: str
    space: dict[str, Any]
    before: Any
    now: Any

    def undo(self) -> None:
        """Put the library's own back."""
        if self.space.get(self.key) is self.now:
            self.space[self.key] = self.before

    def redo(self) -> None:
        """Let the student's stand there again."""
        self.space[self.key] = self.now


class _ModuleState:
    """What one module holds."""

    def __init__(self, space: dict[str, Any]) -> None:
        self._space = space
        self._size = 0
        self._keys: tuple[str, ...] = ()
        self._values: tuple[Any, ...] = ()

    def look(self) -> list[tuple[dict[str, Any], str, float]]:
        """Remember what is here and was not before; return where floats of it are, and these."""
        numbers: list[tuple[dict[str, Any], str, float]] = []
        if len(self._space) == self._size:
            return numbers
        self._size = len(self._space)
        held = dict(zip(self._keys, self._values, strict=True))
        for key, value in self._space.items():
            if key not in held and _counts(key, value):
                held[key] = value
                if type(value) is float:
                    numbers.append((self._space, key, value))
        self._keys, self._values = tuple(held), tuple(held.values())
        return numbers

    def has(self, key: str, value: Any) -> bool:
        """Return whether the module held this value under this name."""
        return key in self._keys and self._values[self._keys.index(key)] is value

    def put_back(self) -> Iterator[str]:
        """Put back what can't serve any more, and yield the names."""
        for key, space, value, now in self.changed():
            if not _serves(now, value):
                space[key] = value
                yield key

    def changed(self) -> Iterator[tuple[str, dict[str, Any], Any, Any]]:
        """Yield each name that has another value, with the module's names, this value and that."""
        if not any(map(is_not, map(self._space.get, self._keys), self._values)):
            return
        for key, value in zip(self._keys, self._values, strict=True):
            now = self._space.get(key, _GONE)
            if now is not value:
                yield key, self._space, value, now


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def _is_library(module: Any, is_own: Callable[[str], bool]) -> bool:
    if type(module) is not ModuleType or getattr(module, "__spec__", None) is None:
        return False
    file = getattr(module, "__file__", None)
    return not (isinstance(file, str) and is_own(file))


def _counts(key: str, value: Any) -> bool:
    return not key.startswith("_") and (callable(value) or isinstance(value, ModuleType | float))


def _serves(now: Any, before: Any) -> bool:
    """Return whether a value can stand where another one stood: another function for a function."""
    if now is before:
        return True
    if isinstance(before, ModuleType):
        return isinstance(now, ModuleType)
    return callable(now) if callable(before) else type(now) is type(before) and bool(now == before)


class ProcessSettings(NamedTuple):
    """Settings of the process on which code elsewhere may count."""

    # those that make right code raise
    errors: Any  # NumPy's
    filters: tuple[Any, ...]  # of warnings
    path: tuple[Any, ...]
    folder: str
    # those that don't
    printing: Any  # NumPy's
    deepest: int  # recursion

    @classmethod
    def now(cls) -> Self:
        """Return those at this moment."""
        filters, path = _items(warnings.filters), _items(sys.path)
        deepest = sys.getrecursionlimit()
        return cls(np.geterr(), filters, path, _folder(), np.get_printoptions(), deepest)

    def establish(self) -> None:
        """Make those that raise the ones of the process."""
        np.seterr(**self.errors)
        warnings.resetwarnings()
        # a list, though its type does not say so
        warnings.filters.extend(self.filters)  # type: ignore[attr-defined]
        sys.path = [*self.path]
        self.enter()

    def enter(self) -> None:
        """Make their folder the current one."""
        if self.folder:
            with contextlib.suppress(OSError):
                os.chdir(self.folder)

    def differing(self, others: ProcessSettings) -> list[str]:
        """Return which of those that raise differ, by the names that students know."""
        return [
            name for name, one, other in zip(RAISING, self, others, strict=False) if one != other
        ]

    def but(self, before: ProcessSettings, after: ProcessSettings) -> Self:
        """Return these with what has changed from one moment to another."""
        parts = [
            new if new != old else kept for kept, old, new in zip(self, before, after, strict=True)
        ]
        return type(self)(*parts)


def _folder() -> str:
    """Return the current folder, or nothing if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _items(found: object) -> tuple[Any, ...]:
    return tuple(found) if isinstance(found, list | tuple) else ()


class Surroundings:
    """The libraries, settings and provided files of one box."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._libraries = Libraries.of_this_process()
        self._links: list[tuple[Path, Path]] = []
        self._students: frozenset[str] = frozenset()  # modules that were imported
        self._may_have_changed = False
        self._swaps: dict[str, Swap] = {}  # by cells that no task asks for
        self._meant: dict[str, Any] = {}  # what tasks and the assignment's cells put there
        self.look()
        self._count = len(sys.modules)  # when it was last looked which are the student's
        self.settings = ProcessSettings.now()

    def provide(self, links: Iterable[tuple[Path, Path]]) -> None:
        """Note where provided files lie: (place, source)."""
        self._links = [*links]

    def look(self) -> None:
        """Remember the libraries that were loaded since."""
        self._libraries.look(self._is_own)

    def _is_own(self, file: str) -> bool:
        """Return whether a module's file is the student's: in the folder, and not provided."""
        path = Path(file)
        if not path.is_relative_to(self._root):
            return False
        return not any(path.is_relative_to(place) for place, _ in self._links)

    def count_on(self, before: ProcessSettings) -> None:
        """Let all code count on what has changed since: a cell of the assignment has done it.

        Not so if it was the first to import a module of the student's: that may have done it.
        """
        theirs = self._own_modules() - self._students
        if not theirs:
            self.settings = self.settings.but(before, ProcessSettings.now())
        self._students |= theirs

    def _own_modules(self) -> frozenset[str]:
        """Return the names of the student's modules, if any module was imported since the last
        time.
        """
        if len(sys.modules) == self._count:
            return frozenset()
        self._count = len(sys.modules)
        return frozenset(filter(self._is_students, sys.modules.keys() - self._libraries.names))

    def return_to(self, before: ProcessSettings) -> None:
        """Establish earlier settings again, with what has changed since `settings` were."""
        before.but(self.settings, ProcessSettings.now()).establish()

    def _is_students(self, name: str) -> bool:
        file = getattr(sys.modules.get(name), "__file__", None)
        return isinstance(file, str) and self._is_own(file)

    @property
    def swapped(self) -> list[str]:
        """The library functions that checks get back, though a student's cell replaced them."""
        return [*self._swaps][:MOST_TOLD]

    def note_swaps(self, *, meant: bool) -> None:
        """Note the functions that cells have replaced since the last time.

        meant: whether it was a cell of the assignment or a task's, whose work may count on it
        """
        if not self._may_have_changed:
            return
        for swap in self._libraries.swapped(MAIN):
            if self._meant.get(swap.name) is swap.now:
                continue
            if meant and swap.name not in self._swaps:
                self._meant[swap.name] = swap.now
            else:
                self._swaps[swap.name] = swap

    def is_librarys(self, name: str, value: Any) -> bool:
        """Return whether a value is what a library has under this name."""
        return self._libraries.have(name, value)

    def begin_case(self) -> None:
        """Put back what changes a result and makes nothing raise, and the provided files.

        The rest is put back when a call has raised (`ways`): to look at all of it takes as long as
        many a call.
        """
        self._libraries.put_numbers_back()
        for swap in self._swaps.values():
            swap.undo()
        self._lay_files()

    def runs(self, code: CodeType) -> None:
        """Take note of code that is about to run: it may change libraries from here on."""
        self._may_have_changed = self._may_have_changed or may_change(code)

    def mend(self, *, raised: bool, printing: bool = False) -> list[str]:
        """Put back libraries' attributes, provided files and the depth of recursion.

        raised: whether code has raised, which a changed attribute may be the reason of
        printing: how NumPy prints, too

        Returns the names of the attributes.
        """
        mended = self._libraries.put_back() if raised or self._may_have_changed else []
        if not isinstance(sys.path, list):
            sys.path = [*self.settings.path]
            mended.append("sys.path")
        if sys.getrecursionlimit() < self.settings.deepest:
            sys.setrecursionlimit(self.settings.deepest)
            mended.append("sys.setrecursionlimit")
        if printing and np.get_printoptions() != self.settings.printing:
            np.set_printoptions(**self.settings.printing)
            mended.append("numpy.set_printoptions")
        self._lay_files()
        return mended

    def _lay_files(self) -> None:
        for place, source in self._links:
            if not os.path.lexists(place):
                with contextlib.suppress(OSError):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    lay(source, place)

    def ways(self) -> Generator[None, None, None]:
        """Yield for each way to try a call: with the student's settings, but from the first folder;
        with what could not serve any more put back, if there was any; without these settings; from
        the folder that student code went to; and with the functions that it put into libraries.

        Whoever does not raise stops and closes this. The ways are told apart when the first one has
        failed: importing a module may set things.
        """
        left = _folder()
        if left != self.settings.folder:
            self.settings.enter()
        yield
        if self.mend(raised=True):
            yield
        now = ProcessSettings.now()
        if now.folder == self.settings.folder:
            now = now._replace(folder=left)
        if now.differing(self.settings):
            try:
                self.settings.establish()
                yield
                now.establish()
                if now.folder != self.settings.folder:
                    yield
            finally:
                now.establish()
        if self._swaps:
            for swap in self._swaps.values():
                swap.redo()
            yield


def lay(source: Path, place: Path) -> None:
    """Put a provided file or folder in its place: linked where the system can, else copied."""
    try:
        place.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, place)
