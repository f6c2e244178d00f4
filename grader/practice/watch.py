"""Checks on every save: what of a student's folder was saved, which checks that concerns, and what
changed by it.

The session stays warm between two saves. Checks of functions run at once: first those that ask for
what was changed, then those that build on it. A notebook's checks run when the notebook itself is
saved, since they take longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import msgspec
import watchfiles

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.grading.grade import Graded
from grader.grading.scoring import questions, total
from grader.model import CheckResult
from grader.practice.concern import affected, changed, concerned
from grader.practice.session import Session, files_here

STEP_MS = 15  # a save is over when nothing has changed for so long
DEBOUNCE_MS = 150  # and checked after so long in any case
LOOK_MS = 500  # how often the end of the watch is looked for


class Round(msgspec.Struct, frozen=True):
    """What came of one save."""

    saved: tuple[str, ...]  # files, by their paths in the folder
    results: tuple[CheckResult, ...]  # of the checks that were run, as they ended
    new: tuple[CheckResult, ...]  # those of them that say something else than before


def asked(assignment: Assignment, checks: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the functions that each check asks for, as the recording of the public seed has
    them.
    """
    stored = Expectations.read(assignment.expectations_path("public"))
    found: dict[str, frozenset[str]] = dict.fromkeys(checks, frozenset())
    for (id_, _), record in stored.cases.items():
        if id_ in found:
            found[id_] |= {call.function for call in record.calls}
    return found


class Watch:
    """The state of a folder's checks, from save to save."""

    def __init__(self, session: Session, only: Iterable[str] = ()) -> None:
        self._session = session
        ids = tuple(only) or session.known
        session.must_know(ids)
        self._asks = asked(session.assignment, ids)
        self._books: dict[str, str] = {}  # check -> the notebook that it judges, if it does
        for id_ in self._asks:
            check = session.assignment.check(id_)
            if check is not None and check.notebook:
                self._books[id_] = check.notebook
        self._files = files_here(session.assignment, session.folder)
        self._results: dict[str, CheckResult] = {}
        self._notebooks: dict[str, object] = {}
        self._sources: dict[str, str] = {}
        self._last: Graded | None = None

    # --- rounds -----------------------------------------------------------------------------------

    def first(self, on_new: Callable[[CheckResult], None]) -> Round:
        """Run the checks of all functions."""
        return self._run((), [list(self._functions())], on_new)

    def again(self, on_new: Callable[[CheckResult], None]) -> Round:
        """Run the checks that the files saved since the last look concern."""
        now = files_here(self._session.assignment, self._session.folder)
        before, self._files = self._files, now
        saved = tuple(
            name for name in now.keys() | before.keys() if now.get(name) != before.get(name)
        )
        if not saved:
            return Round((), (), ())
        return self._run(saved, self._groups(saved, before, now), on_new)

    def _groups(
        self, saved: Iterable[str], before: Mapping[str, bytes], now: Mapping[str, bytes]
    ) -> list[list[str]]:
        """Return the checks to run: those of what was changed, those of what uses it, those of
        saved notebooks.
        """
        functions = self._functions()
        texts = {name: _text(data) for name, data in now.items() if name.endswith(".py")}
        direct: set[str] = set()
        for name in texts.keys() & set(saved):
            found = changed(_text(before.get(name, b"")), texts[name])
            direct |= found if found is not None else self._provided(name)
        near = concerned(frozenset(direct), functions)
        far = concerned(affected(frozenset(direct), texts), functions)
        books = [id_ for id_, book in self._books.items() if book in saved]
        return [[*near], [id_ for id_ in far if id_ not in near], books]

    def _functions(self) -> dict[str, frozenset[str]]:
        """Return the checks that judge no notebook, with the functions that each asks for."""
        return {id_: asks for id_, asks in self._asks.items() if id_ not in self._books}

    def _provided(self, name: str) -> set[str]:
        """Return what a file provides, with every method that a check asks for."""
        provided: set[str] = set()
        for file in self._session.assignment.spec.files:
            if file.path == name:
                provided |= set(file.provides)
        for one in chain.from_iterable(self._asks.values()):
            if one.partition(".")[0] in provided:
                provided.add(one)
        return provided

    def _run(
        self, saved: tuple[str, ...], groups: list[list[str]], on_new: Callable[[CheckResult], None]
    ) -> Round:
        results: list[CheckResult] = []
        new: list[CheckResult] = []

        def done(check: CheckResult) -> None:
            results.append(check)
            before = self._results.get(check.id)
            self._results[check.id] = check
            if said(before) != said(check):
                new.append(check)
                on_new(check)

        for ids in groups:
            if ids:
                self._last = self._session.check(ids, on_check=done)
                self._notebooks |= self._last.notebooks
                self._sources = self._last.sources
        return Round(saved, tuple(results), tuple(new))

    # --- state ------------------------------------------------------------------------------------

    @property
    def graded(self) -> Graded | None:
        """The results of all checks that have been run, as one report; None before the first."""
        if self._last is None:
            return None
        spec = self._session.assignment.spec
        checks = tuple(self._results[one.id] for one in spec.checks if one.id in self._results)
        report = msgspec.structs.replace(
            self._last.report,
            checks=checks,
            questions=questions(spec, checks),
            score=total(check.points for check in checks),
            max_score=total(check.max_points for check in checks),
            notebooks=tuple(self._notebooks),
        )
        return Graded(report, dict(self._notebooks), self._sources)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The notebooks whose checks have not been run, since they have not been saved."""
        waiting = [book for id_, book in self._books.items() if id_ not in self._results]
        return tuple(dict.fromkeys(waiting))

    def saves(self, stop: threading.Event) -> Iterator[None]:
        """Yield after every save in the folders of the student's files, until `stop` is set."""
        folder = self._session.folder
        paths = map(folder.joinpath, self._session.assignment.spec.student_paths)
        folders = {_existing(path.parent) for path in paths} or {folder}
        for _ in watchfiles.watch(
            *sorted(folders),
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=LOOK_MS,
            stop_event=stop,
            recursive=False,
            raise_interrupt=True,
        ):
            yield


def said(check: CheckResult | None) -> tuple[object, ...]:
    """Return what of a result a student reads: the seconds that it took make no difference."""
    if check is None:
        return ()
    return check.status, check.points, check.message, check.hint, check.mistake


def _existing(folder: Path) -> Path:
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")
