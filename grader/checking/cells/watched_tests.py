"""An author's test as it is sent to run beside a student's objects: watched (`rewritten_tests`),
with questions around it whose answers are known (`box_questions`). Pure.
"""

from __future__ import annotations

import ast
import itertools
import re
import secrets
from typing import Any, NamedTuple

from grader.checking.cells.box_questions import ALWAYS, drawn, must_be_false, must_be_true
from grader.checking.cells.comparison_cuts import Cutter, imports_of
from grader.checking.cells.literal_loops import unrolled
from grader.checking.cells.rewritten_tests import WatchedCode, watched
from grader.checking.cells.syntax_trees import imported, names_in
from grader.errors import AssignmentError
from grader.notebooks.definitions import tree_of

# Packages whose functions must not be a student's while a test uses them; some by usual names.
WATCHED = frozenset(
    ("numpy", "pandas", "nose", "unittest", "pytest", "hashlib", "math", "contextlib", "io")
)
USUAL = {"np": "numpy", "nt": "numpy", "npt": "numpy", "pd": "pandas"}
_TIMING = re.compile(r"\A\s*%%(?:time|timeit|capture)\b[^\n]*\n")


class Program(NamedTuple):
    """All that is sent for one test: its pieces in an order of chance, and which of them is the
    test itself.
    """

    guard: str  # the name that the pieces know their guards by
    pieces: tuple[WatchedCode, ...]
    test: int
    questions: tuple[str, ...]  # the code of each piece as an author reads it
    true: frozenset[int]  # the questions whose answer is yes
    builtins: tuple[str, ...]  # built-in names that the test means
    statements: tuple[str, ...]  # of the test, as an author reads them
    theirs: tuple[str, ...]  # modules of the student's
    modules: tuple[str, ...]  # those of them that the test imports
    libraries: tuple[str, ...]  # packages that the test builds on

    def body(self, seconds: float) -> dict[str, Any]:
        """Return the request; the pieces are sent one by one, as the box asks for them."""
        return {
            "op": "probe",
            "guard": self.guard,
            "builtins": list(self.builtins),
            "seconds": seconds,
            "theirs": list(self.theirs),
            "modules": list(self.modules),
            "libraries": list(self.libraries),
        }


def program(
    source: str, theirs: frozenset[str], builtin: frozenset[str], modules: tuple[str, ...] = ()
) -> Program:
    """Return what is sent for a test.

    theirs: names that the author's own notebook defines, which may be those of builtins; modules:
    those of the student's. Raises `AssignmentError` for code that can't be read.
    """
    text = plain(source)
    tree = parsed(text, source)
    guard = f"_{secrets.token_hex(8)}"
    asked = list(dict.fromkeys([*ALWAYS, *must_be_false(tree, guard)]))
    asked_true = list(dict.fromkeys(must_be_true(tree)))
    cutter = Cutter(imports_of(tree), theirs)
    written_out, lines = unrolled(tree, cutter)
    order = secrets.SystemRandom()
    pieces = _questions(asked, asked_true, guard)
    before = order.randint(1, len(pieces) - 1)
    pieces.insert(before, (source, False, watched(written_out, guard, cutter)))
    # What the test itself may have brought about is asked for behind it, too.
    pieces += _questions(asked, asked_true, guard)
    questions, truths, codes = zip(*pieces, strict=True)
    return Program(
        guard=guard,
        pieces=codes,
        test=before,
        questions=questions,
        true=frozenset(itertools.compress(itertools.count(), truths)),
        builtins=tuple(sorted(names_in(tree) & builtin - theirs)),
        statements=tuple(lines),
        theirs=modules,
        modules=tuple(sorted(_imports(tree) & {*modules})),
        libraries=tuple(sorted(_libraries(tree))),
    )


def _questions(
    false: list[str], true: list[str], guard: str
) -> list[tuple[str, bool, WatchedCode]]:
    """Return questions in an order of chance, with numbers of chance, and whether each is true."""
    order = secrets.SystemRandom()
    asked = [*zip(false, itertools.repeat(False)), *zip(true, itertools.repeat(True))]
    made = []
    for question, is_true in order.sample(asked, len(asked)):
        code = drawn(question)
        made.append((code, is_true, watched(parsed(code, code), guard)))
    return made


def _libraries(tree: ast.Module) -> frozenset[str]:
    """Return the packages by which a test may tell right from wrong: those of `WATCHED` that it
    names.
    """
    names = names_in(tree)
    for node in ast.walk(tree):
        for path in imported(node):
            names.add(path.partition(".")[0])
    packages = WATCHED & {USUAL.get(name, name) for name in names}
    return packages | {"_pytest"} if "pytest" in packages else packages


def _imports(tree: ast.Module) -> set[str]:
    """Return the modules that a test imports at its top level."""
    return set(itertools.chain.from_iterable(map(imported, tree.body)))


def plain(source: str) -> str:
    """Return a cell's code as plain Python: IPython's own lines become calls, a clock around the
    cell is taken off.
    """
    text = _TIMING.sub("", source)
    try:
        tree_of(text)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # only for magics

        made: str = TransformerManager().transform_cell(text)
        return made
    return text


def parsed(text: str, source: str) -> ast.Module:
    """Return a syntax tree; raise `AssignmentError` if there is none."""
    try:
        return tree_of(text)
    except (SyntaxError, ValueError) as error:
        first = source.strip().partition("\n")[0]
        raise AssignmentError(
            f"a test in the box that begins with {first!r} can't be read: {error}"
        ) from None
