"""Makes an assignment of a Gradescope autograder in Python: its tests, its solution, its
requirements.

    run_tests.py  setup.sh  requirements.txt  tests/test_*.py  solution/*.py  (template/*.py)

The solution's files become the students'. A test that calls functions and compares what they return
becomes a check in the grader's process; any other becomes a check in the box, beside the student's
files. Both are tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import filterfalse
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.naming import named
from grader.assignment.trial import Trial, TryOut
from grader.errors import AssignmentError, UsageError
from grader.importing.convert import Converted, commented
from grader.importing.courses import Course
from grader.importing.data_files import beside
from grader.importing.drafts import Names, Test, TestDraft, check_id, code_cell
from grader.importing.gradescope.gradescope_checks import check_text, checks_head, in_process
from grader.importing.gradescope.solution_markers import marked_module
from grader.importing.gradescope.unittest_files import HIDDEN, FoundTest, read_tests
from grader.importing.old_modules import installed
from grader.importing.spec_file import check_entry, question_entries, spec_text
from grader.importing.where_tests_run import NOT_CARRIED
from grader.notebooks.definitions import definitions

SOLUTIONS = ("solution", "solutions", "reference", "reference_solution", "soln", "sol")
STARTERS = ("template", "templates", "starter", "starter_code", "skeleton", "handout")
INNER = ("src", "autograder", "source", "python")
MARKS = ("run_tests.py", "run_autograder", "setup.sh")
MOST_TRIALS = 6
IN_BOX_HEAD = '"""Checks that run in the box: their code is in in_box/."""\n'
MOST_FILES = 2_000
_PIP = re.compile(r"\bpip3?(?:\.\d+)?\s+install\s+([^\n;&|]+)")
_APT = re.compile(r"\bapt(?:-get)?\s+install\s+([^\n;&|]+)")
_PYTHON_ALONE = re.compile(r"(?:\s*(?:-y|python3?(?:-\w+)?))+\s*")
_VISIBILITY = re.compile(r"JSONTestRunner\([^)]*?\bvisibility\s*=\s*['\"](\w+)['\"]", re.DOTALL)
_THEIRS = frozenset(("gradescope-utils", "gradescope_utils", "subprocess32", "timeout-decorator"))


class Autograder(msgspec.Struct, frozen=True):
    """The folders of an autograder."""

    root: Path
    tests: tuple[Path, ...]
    solution: Path
    starter: Path | None

    @property
    def name(self) -> str:
        """The name that tells it from others."""
        generic = self.root.name in INNER and self.root.parent.name
        return str(generic or self.root.name)


class _Draft(TestDraft, kw_only=True):
    """What becomes of an autograder."""

    solution: dict[str, bytes]
    modules: dict[str, frozenset[str]]  # of the solution -> what each defines
    provided: dict[str, bytes]


def from_gradescope(folder: Path, tell: Callable[[str], None], try_out: TryOut) -> Course:
    """Return the assignments of the autograders in a folder; raise `UsageError` if there is
    none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name that of a Gradescope autograder")
    found = _autograders(folder)
    if not found:
        raise UsageError(
            f"{folder} holds no autograder in Python: {' or '.join(MARKS)} was expected, with"
            " tests/test_*.py"
        )
    made: dict[str, Converted] = {}
    refused: dict[str, str] = {}
    names = Names("-")
    for root in found:
        one = _opened(root)
        if isinstance(one, str):
            refused[root.name] = one
            continue
        name = names.take(one.name, "autograder")
        tell(f"trying what {name} becomes")
        try:
            made[name] = _converted(one, *named(name), try_out)
        except (UsageError, AssignmentError) as error:
            refused[name] = str(error)
    return Course(made, refused)


def _autograders(folder: Path) -> list[Path]:
    """Return the folders that hold an autograder, the folder itself before those below it."""
    for one in (folder, *map(folder.joinpath, INNER)):
        if _is_autograder(one):
            return [one]
    found: list[Path] = []
    for path in sorted(filter(Path.is_dir, folder.rglob("*")))[:MOST_FILES]:
        if not any(map(path.is_relative_to, found)) and _is_autograder(path):
            found.append(path)
    return found


def _is_autograder(folder: Path) -> bool:
    marked = any(map(Path.is_file, map(folder.joinpath, MARKS)))
    tested = any(folder.glob("tests/**/test*.py"))
    if marked:
        return tested or any(folder.glob("test*.py"))
    return tested and _below(folder, SOLUTIONS) is not None


def _opened(root: Path) -> Autograder | str:
    """Return an autograder's folders, or why it can't be taken over."""
    tests = tuple(sorted({*root.glob("tests/**/test*.py"), *root.glob("test*.py")}))
    solution = _below(root, SOLUTIONS) or _below(root.parent, SOLUTIONS)
    if solution is None:
        return (
            f"{root} holds no solution: lay the files that students write, solved, in"
            f" {root / 'solution'}"
        )
    return Autograder(
        root, tests, solution, _below(root, STARTERS) or _below(root.parent, STARTERS)
    )


def _below(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of the folders by these names that holds Python files."""
    for path in map(folder.joinpath, names):
        if path.is_dir() and any(path.rglob("*.py")):
            return path
    return None


# --- one autograder -------------------------------------------------------------------------------


def _converted(one: Autograder, name: str, title: str, try_out: TryOut) -> Converted:
    made = _solution(one)
    _read(one, made)
    if not made.tests:
        raise UsageError(f"{one.root} holds no test that can be carried over")
    _take_files(one, made)
    _requirements(one, made)
    trial = _settled(made, name, title, try_out)
    made.notes += map("before `grader handout`: {}".format, trial.leaks)
    return Converted(_files(made, name, title), tuple(dict.fromkeys(made.notes)))


def _solution(one: Autograder) -> _Draft:
    """Return a draft of the solution's files, with markers, and what its modules define."""
    made = _Draft(solution={}, modules={}, provided={})
    for path in sorted(one.solution.rglob("*.py"))[:MOST_FILES]:
        place = path.relative_to(one.solution).as_posix()
        if path.name.startswith(("test_", ".")) or "__pycache__" in place or path.is_symlink():
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
            starter = one.starter / place if one.starter is not None else None
            begun = starter.read_text("utf-8-sig") if starter and starter.is_file() else None
            made.solution[place] = marked_module(text, begun).encode()
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            raise UsageError(f"{path} can't be read: {error}") from error
        made.modules[_module(place)] = definitions(text)
    return made


def _module(place: str) -> str:
    """Return the dotted name of a module by its path."""
    return place.removesuffix(".py").replace("/", ".")


def _read(one: Autograder, made: _Draft) -> None:
    """Take over the tests of the files, in the order of their numbers."""
    default = _visibility(one)
    found: list[tuple[FoundTest, str]] = []
    for path in one.tests:
        place = path.relative_to(one.root).as_posix()
        try:
            found += [(test, place) for test in read_tests(path.read_text("utf-8-sig"), path.stem)]
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            made.notes.append(f"{place} is left out: it can't be read: {error}")
    found.sort(key=lambda pair: _order(pair[0].number))
    weighed = any(test.points is not None for test, _ in found)
    if found and not weighed:
        made.notes.append("no test has a weight, so each is worth one point")
    names = Names("_")
    groups: dict[str, str] = {}
    for test, place in found:
        at = f"{place}, {test.group}.{test.name}"
        why = _left_out(test)
        if why:
            made.notes.append(f"{at} is left out: {why}")
            continue
        made.notes += [f"{at}: {note}" for note in test.notes]
        question = groups.setdefault(test.group, f"q{len(groups) + 1}")
        made.questions[question] = test.title
        made.tests.append(_test(test, at, question, default, names, weighed=weighed))


def _left_out(test: FoundTest) -> str:
    if test.leaderboard:
        return f"its value goes to the leaderboard column {test.leaderboard!r} and gives no points"
    return "; ".join(test.notes) or "it is skipped" if test.skipped else ""


def _test(
    test: FoundTest, place: str, question: str, default: str, names: Names, *, weighed: bool
) -> Test:
    worth = test.points if test.points is not None else 0.0 if weighed else 1.0
    hidden = (test.visibility or default) in HIDDEN or test.hides_errors
    told = f"{test.number}) {test.sentence}" if test.number else test.sentence
    return Test(
        id=names.take(check_id(test.name.removeprefix("test")), "test"),
        place=f"{place} ({worth:g} points)",
        question=question,
        points=worth,
        code=test.code,
        hidden=hidden,
        sentence=told,
        in_box=test.partial,
    )


def _visibility(one: Autograder) -> str:
    """Return the visibility that tests have if they say nothing."""
    path = one.root / "run_tests.py"
    told = path.read_text("utf-8", "replace") if path.is_file() else ""
    found = _VISIBILITY.search(told)
    return found[1] if found else "visible"


def _order(number: str) -> tuple[tuple[int, str], ...]:
    """Return a key by which "1.10" comes behind "1.9", and what has no number last."""
    parts = map(_order_of_part, re.findall(r"\d+|[^\d.]+", number))
    return tuple(parts) or ((1 << 31, ""),)


def _order_of_part(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdigit() else (1 << 30, part)


def _take_files(one: Autograder, made: _Draft) -> None:
    """Take the files that tests and the solution name, and the author's modules that tests
    import.
    """
    sources = [test.code for test in made.tests]
    sources += map(bytes.decode, made.solution.values())
    found = beside([code_cell("", source) for source in sources], one.root, [], "")
    apart = tuple(map("{}/".format, (one.solution.name, *STARTERS)))
    for path, data in found.files.items():
        tested = one.root / path in one.tests
        if not tested and path not in made.solution and not path.startswith(apart):
            made.provided[path] = data
    if made.provided:
        listed = ", ".join(sorted(made.provided))
        made.notes.append(
            f"students get these files, since tests or the solution name them: {listed}"
        )
    made.notes += found.notes


def _requirements(one: Autograder, made: _Draft) -> None:
    """Say which packages the autograder installs, and which of them are missing here."""
    setup = one.root / "setup.sh"
    text = setup.read_text("utf-8", "replace") if setup.is_file() else ""
    packages = dict.fromkeys(filter(_is_package, _wanted(one.root / "requirements.txt", text)))
    missing = filterfalse(_is_installed, packages)
    if packages:
        absent = ", ".join(missing)
        told = f"; not found here by these names: {absent}" if absent else ""
        made.notes.append(
            f"install beside the grader what the autograder needs: {', '.join(packages)}{told}"
        )
    for found in _APT.findall(text):
        if not _PYTHON_ALONE.fullmatch(found):
            made.notes.append(
                f"setup.sh installs packages of the system, which is left to you: {found.strip()}"
            )


def _wanted(requirements: Path, setup: str) -> Iterator[str]:
    """Yield the words that may name packages: lines of requirements, and what `pip install` has
    behind it.
    """
    if requirements.is_file():
        for line in requirements.read_text("utf-8", "replace").splitlines():
            yield line.partition("#")[0].strip()
    for word in " ".join(_PIP.findall(setup)).split():
        if not word.startswith("-") and "/" not in word:
            yield word.strip("'\"")


def _is_installed(package: str) -> bool:
    return installed(_package(package).replace("-", "_").lower())


def _package(wanted: str) -> str:
    return re.split(r"[<>=!~\[; ]", wanted)[0]


def _is_package(word: str) -> bool:
    return (
        bool(re.match(r"[A-Za-z]", word))
        and _package(word).lower() not in _THEIRS
        and not word.endswith(".txt")
    )


# --- trials and files -----------------------------------------------------------------------------


def _settled(made: _Draft, name: str, title: str, try_out: TryOut) -> Trial:
    """Let each test be a check in the grader's process if it can, else in the box, else a
    comment.
    """
    for test in [*made.tests]:
        why = in_process(test, made.modules)
        if why and not test.in_box:
            _into_the_box(made, test, why)
    trial = Trial()
    for _ in range(MOST_TRIALS):
        trial = try_out(_files(made, name, title))
        if not trial.wrong and not trial.easy:
            break
        for test in [*made.tests]:
            if test.id in trial.wrong:
                _move_on(made, test, trial.wrong[test.id])
            elif test.id in trial.easy:
                made.change(test, untouched=True)
                if trial.easy[test.id] and test.points:
                    made.notes.append(f"{test.place}: the untouched template passes it too")
        if not made.tests:
            _, why = made.left.popitem()[1]
            raise UsageError(f"no test passes for the solution; the last said: {why}")
    return trial


def _move_on(made: _Draft, test: Test, why: str) -> None:
    if not test.in_box:
        _into_the_box(made, test, f"in the grader's process the solution fails it: {why}")
        return
    reason = f"the solution fails it: {why}"
    note = f"{test.place} is left out, with its points: {reason}; it stands in {NOT_CARRIED}"
    made.leave_out(test, reason, note, test.place)


def _into_the_box(made: _Draft, test: Test, why: str) -> None:
    made.change(test, in_box=True)
    made.notes.append(f"{test.place} runs in the box, beside the students' files: {why}")


def _files(made: _Draft, name: str, title: str) -> dict[str, bytes]:
    """Return the files of the assignment as it stands."""
    files = {f"solution/{path}": data for path, data in made.solution.items()}
    files = made.provided | files
    texts = [IN_BOX_HEAD if all(test.in_box for test in made.tests) else checks_head()]
    for test in made.tests:
        texts.append(check_text(test, made.modules))
        if test.in_box:
            files[f"checks/in_box/{test.id}.py"] = f"{test.code}\n".encode()
    files["checks/test_gradescope.py"] = "\n\n".join(texts).encode()
    if made.left:
        files[NOT_CARRIED] = commented(made.left.values()).encode()
    files["assignment.toml"] = _spec(made, name, title).encode()
    return files


def _spec(made: _Draft, name: str, title: str) -> str:
    table = {
        "name": name,
        "title": title,
        "reference": "solution",
        "questions": question_entries(made.questions, made.tests),
        "files": list(_student_files(made)),
        "checks": list(map(check_entry, made.tests)),
    }
    return spec_text("a Gradescope autograder", table, made.provided)


def _student_files(made: _Draft) -> Iterator[dict[str, Any]]:
    """Yield the entries of the students' files; a name that two modules define is provided by the
    first.
    """
    taken: set[str] = set()
    for path in made.solution:
        names = sorted(made.modules[_module(path)] - taken)
        taken.update(names)
        yield {"path": path} | ({"provides": names} if names else {})
