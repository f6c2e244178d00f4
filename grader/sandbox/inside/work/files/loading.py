"""Loads a student's modules so that a fault in one part of a file costs that part alone.

A module that compiles and can be imported is loaded as Python loads it. Of one that does not
compile, what can't be read is replaced (`mending`). A statement at the top level that raises is
passed over, and the next one runs. An import inside a `try` of a student's file fails as it always
does, since that file may be ready for it. What was passed over is told as data.

A statement that ends the process can only be passed over in another one. To find it, a module is
run statement by statement, and each is named to the trusted side before it runs. Once it is found,
its module is run without it.
"""

from __future__ import annotations
import __future__

import ast
import io
import linecache
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from grader.sandbox.inside.work.alarm import TimeUp
from grader.sandbox.inside.work.exception_text import EndedProcess, PassedOver, describe, inside
from grader.sandbox.inside.work.files.mending import RAISES, mended
from grader.sandbox.inside.work.nearby_names import nearest
from grader.sandbox.inside.work.process.replaced import CELLS

MOST_TOLD = 20  # parts of a submission's files that were passed over
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


class Loading:
    """The way in which the modules below a folder are loaded, and what was passed over in them."""

    def __init__(self, root: Path, runs: Callable[[CodeType], None] = lambda code: None) -> None:
        self._root = root
        self.runs = runs  # is called with each module's code before it runs
        self._untold: list[dict[str, Any]] = []
        self._count = 0
        # is called with the file and the number of each statement before it runs, and with "" at
        # the end
        self._say_place: Callable[[str, int], None] | None = None
        self._left_out: frozenset[tuple[str, int]] = frozenset()
        self._places: list[tuple[str, int]] = []  # in modules that import one another

    def begin(
        self,
        say_place: Callable[[str, int], None] | None = None,
        left_out: Iterable[tuple[str, int]] = (),
    ) -> None:
        """Load modules below the folder in this way from here on.

        left_out: file and number of statements that have ended a process
        """
        self._say_place, self._left_out = say_place, frozenset(left_out)
        sys.path_hooks.insert(0, self._finder)
        for path in list(sys.path_importer_cache):
            if Path(path).is_relative_to(self._root):
                del sys.path_importer_cache[path]

    def take(self) -> list[dict[str, Any]]:
        """Return what was passed over since the last time."""
        untold, self._untold = self._untold, []
        return untold

    def _finder(self, path: str) -> FileFinder:
        if not Path(path).is_relative_to(self._root):
            raise ImportError("not a folder of the submission", path=path)

        def loader(name: str, file: str) -> Loader:
            return Loader(name, file, self)

        return FileFinder(path, (loader, [".py"]))  # type: ignore[arg-type] # it need be no class

    def by_statements(self, path: str) -> bool:
        """Return whether the statements of a module are run one by one from the first on."""
        if self._say_place is not None:
            return True
        return bool(self._left_out) and inside(path, self._root) in dict(self._left_out)

    def name_of(self, path: str) -> str:
        """Return a file's name in the submission."""
        return inside(path, self._root)

    def at(self, file: str, number: int) -> bool:
        """Say that a statement is about to be run; return whether it may be."""
        place = self.name_of(file), number
        self._places[-1] = place
        self._say()
        return place not in self._left_out

    @contextmanager
    def within(self, file: str) -> Iterator[None]:
        """Say behind a module that the statement which imported it goes on."""
        self._places.append((inside(file, self._root), 0))
        try:
            yield
        finally:
            self._places.pop()
            self._say()

    def _say(self) -> None:
        if self._say_place is not None:
            self._say_place(*(self._places[-1] if self._places else ("", 0)))

    def is_awaited(self) -> bool:
        """Return whether the import at hand stands in a `try` of the student's."""
        frame = sys._getframe()
        while frame is not None:
            file = frame.f_code.co_filename
            if inside(file, self._root) or file.startswith(CELLS):
                return _in_try("".join(linecache.getlines(file)), frame.f_lineno)
            frame = frame.f_back  # type: ignore[assignment] # the outermost one has none
        return False

    def tell(self, file: str, line: int, error: BaseException, **more: str) -> None:
        """Note what was passed over.

        more: the name of a function or class that can't be read, or the text of a statement that
            raised, and the module that was taken instead if it was an import
        """
        self._count += 1
        if self._count <= MOST_TOLD:
            told = {
                "file": inside(file, self._root),
                "line": line,
                "error": describe(error, self._root),
            }
            for key, text in more.items():
                told[key] = text.strip()[:200]
            self._untold.append(told)

    def module_for(self, error: BaseException) -> str:
        """Return the submission's module that an import which found none was to find, or nothing.

        Whoever works with all files in one folder, or in one of another name, imports them so.
        """
        if not isinstance(error, ModuleNotFoundError):
            return ""
        return nearest(error, self._root)


class Loader(SourceFileLoader):
    """Loads one module of a student's."""

    def __init__(self, name: str, path: str, loading: Loading) -> None:
        super().__init__(name, path)
        self._loading = loading

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's statements, but for what can't be read and what raises."""
        data = self.get_data(self.path)
        passed_over = PassedOver()
        try:
            text, code = "", self.source_to_code(data, self.path)
        except UNREADABLE as error:
            if self._loading.is_awaited():
                raise
            text = self._mended(data, passed_over, error)
            code = compile(text, self.path, "exec", dont_inherit=True)
            setattr(module, RAISES, passed_over)
        self._loading.runs(code)
        if self._loading.by_statements(self.path):
            setattr(module, RAISES, passed_over)
            with self._loading.within(self.path):
                Rest(module, text or decoded(data), code, self._loading, passed_over).run_all()
            return
        try:
            exec(code, vars(module))  # noqa: S102 - what a loader does
        except BaseException as error:
            if stops(error) or self._loading.is_awaited():
                raise
            setattr(module, RAISES, passed_over)
            Rest(module, text or decoded(data), code, self._loading, passed_over).run(error)

    def _mended(self, data: bytes, passed_over: PassedOver, error: BaseException) -> str:
        text, unreadable = mended(decoded(data), self.path)
        if not unreadable:  # characters of another encoding, in a comment or a text
            self._loading.tell(self.path, getattr(error, "lineno", 0) or 0, error)
        for name, trouble in unreadable:
            passed_over.raised.append(trouble)
            if not name:
                passed_over.unnamed = passed_over.unnamed or trouble
                passed_over.lacks(_names_in(trouble.text or ""), trouble)
            self._loading.tell(self.path, trouble.lineno or 0, trouble, name=name)
        return text


class Rest:
    """What is left of a module when one of its statements has raised."""

    def __init__(
        self,
        module: ModuleType,
        text: str,
        code: CodeType,
        loading: Loading,
        passed_over: PassedOver,
    ) -> None:
        self._module = module
        self._lines = text.splitlines()
        self._code = code
        self._statements = ast.parse(text).body
        self._loading = loading
        self._passed_over = passed_over

    def run(self, error: BaseException) -> None:
        """Pass over the statement that raised, and run those behind it one by one."""
        at = _place(self._statements, self._code, error.__traceback__)
        if at is None:
            raise error
        self._raised(self._statements[at], error)
        for statement in self._statements[at + 1 :]:
            self._attempt(statement)

    def run_all(self) -> None:
        """Run all statements one by one, but for those that have ended a process."""
        awaited = self._loading.is_awaited()
        for number, statement in enumerate(self._statements):
            if self._loading.at(self._code.co_filename, number):
                self._attempt(statement, awaited=awaited)
            else:
                self._has_ended(statement, number)

    def _has_ended(self, statement: ast.stmt, number: int) -> None:
        """Pass over a statement that has ended a process."""
        line, _ = _first(statement)
        file = self._loading.name_of(self._code.co_filename)
        error = EndedProcess(file, number, line)
        self._passed_over.unnamed = self._passed_over.unnamed or error
        self._raised(statement, error)

    def _attempt(self, statement: ast.stmt, *, awaited: bool = False) -> None:
        try:
            self._execute(statement)
        except BaseException as error:
            if stops(error) or awaited:
                raise
            self._raised(statement, error)

    def _execute(self, statement: ast.stmt) -> None:
        code = compile(
            ast.Module([statement], []),
            self._code.co_filename,
            "exec",
            flags=self._code.co_flags & FUTURES,
            dont_inherit=True,
        )
        exec(code, vars(self._module))  # noqa: S102 - what a loader does

    def _raised(self, statement: ast.stmt, error: BaseException) -> None:
        """Put what raises the same error in the place of a function or a class, or note the names
        that are lacking.
        """
        if self._imported_elsewhere(statement, error):
            return
        member = _member(statement, error.__traceback__)
        if isinstance(statement, ast.ClassDef) and member is not None:
            place = statement.body.index(member)
            self._tell(member, error)
            statement.body[place] = self._instead_of(member, error)
            self._attempt(statement)  # each time with one member less that may raise
            return
        self._tell(statement, error)
        instead = self._instead_of(statement, error)
        if isinstance(instead, ast.FunctionDef):
            self._execute(instead)

    def _imported_elsewhere(self, statement: ast.stmt, error: BaseException) -> bool:
        """Return whether an import was done from another module of the submission."""
        module = self._loading.module_for(error)
        instead: ast.stmt
        if module and isinstance(statement, ast.ImportFrom):
            instead = ast.ImportFrom(module, statement.names, 0)
        elif module and isinstance(statement, ast.Import) and len(statement.names) == 1:
            alias = statement.names[0]
            name = alias.asname or alias.name
            if "." in name:
                return False
            instead = ast.Import([ast.alias(module, name if "." in module else alias.asname)])
        else:
            return False
        try:
            self._execute(ast.fix_missing_locations(ast.copy_location(instead, statement)))
        except BaseException as again:
            if stops(again):
                raise
            return False
        self._tell(statement, error, instead=module)
        return True

    def _tell(self, statement: ast.stmt, error: BaseException, **more: str) -> None:
        line, _ = _first(statement)
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        self._loading.tell(self._code.co_filename, line, error, text=text, **more)

    def _instead_of(self, statement: ast.stmt, error: BaseException) -> ast.stmt:
        """Return a statement that does not raise: a function that does when it is called, or
        nothing.
        """
        self._passed_over.lacks(_bound_by(statement), error)
        text = "pass"
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            number = len(self._passed_over.raised)
            self._passed_over.raised.append(error)
            text = f"def {statement.name}(*_, **__): raise {RAISES}({number})"
        made = ast.parse(text).body[0]
        ast.increment_lineno(made, statement.lineno - 1)
        return made


def stops(error: BaseException) -> bool:
    """Return whether an error is to end the import: an interrupt, but not that of a time limit.

    A statement that does not end is passed over, too; the alarm rings on for those behind it.
    """
    return isinstance(error, KeyboardInterrupt) and not isinstance(error, TimeUp)


def decoded(data: bytes) -> str:
    """Return the text of a file of Python; what its encoding does not have is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _first(statement: ast.stmt) -> tuple[int, int]:
    """Return the line and column at which a statement begins, its decorators with it."""
    begins = [(statement.lineno, statement.col_offset)]
    for decorator in getattr(statement, "decorator_list", ()):
        begins.append((decorator.lineno, decorator.col_offset - 1))
    return min(begins)


def _place(statements: list[ast.stmt], code: CodeType, trace: TracebackType | None) -> int | None:
    """Return the index of the statement of a module that raised."""
    while trace is not None and trace.tb_frame.f_code is not code:
        trace = trace.tb_next
    if trace is None:
        return None
    line, _, column, _ = list(code.co_positions())[trace.tb_lasti // 2]
    raised = (line or trace.tb_lineno, column or 0)
    found = None
    for index, statement in enumerate(statements):
        if _first(statement) <= raised:
            found = index
    return found


def _member(statement: ast.stmt, trace: TracebackType | None) -> ast.stmt | None:
    """Return the statement of a class body that raised; None if none did, or another statement."""
    while trace is not None and trace.tb_frame.f_code.co_name != "<module>":
        trace = trace.tb_next
    body = trace.tb_next if trace is not None else None
    if not isinstance(statement, ast.ClassDef) or body is None:
        return None
    if body.tb_frame.f_code.co_name != statement.name:
        return None
    for member in statement.body:
        if _first(member)[0] <= body.tb_lineno <= (member.end_lineno or member.lineno):
            return member if not isinstance(member, ast.Pass) else None
    return None


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement may have been to bind; `*` for all of a module's."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _names_in(line: str) -> list[str]:
    """Return the names that an unreadable statement was to bind, as far as its line tells."""
    target, equals, _ = line.partition("=")
    return [name.strip() for name in target.split(",")] if equals else []


def _in_try(text: str, line: int) -> bool:
    """Return whether a line of a module stands in a `try` that handles exceptions."""
    try:
        tree = ast.parse(text)
    except UNREADABLE:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            last = node.body[-1]
            if node.body[0].lineno <= line <= (last.end_lineno or last.lineno):
                return True
    return False
