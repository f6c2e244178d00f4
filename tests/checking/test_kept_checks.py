"""Checks that are kept from one submission to the next: collected once, and only while nothing that
they hold has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from toy import CHECKS, REFERENCE, SPEC, build

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.checking.run.plan import Plan
from grader.checking.session.module_values import values
from grader.checking.session.run_checks import KeptChecks, run_checks
from grader.errors import AssignmentError
from grader.sandbox.plain import PlainSandbox

COUNT = "def test_count(student, expect, rng):"
Graded = list[str]  # a submission's cases, each with its end


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each session of pytest's."""
    begun: list[int] = []
    main = pytest.main

    def counted(*given: object, **named: object) -> object:
        begun.append(1)
        return main(*given, **named)

    monkeypatch.setattr(pytest, "main", counted)
    return begun


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., list[Graded]]:
    """Return a function that grades the toy's reference again and again, by the same checks."""

    def grade(
        checks: str, *only: str, times: int = 3, between: Callable[[Path], None] = lambda _: None
    ) -> list[Graded]:
        assignment = build(tmp_path, checks=checks, spec=SPEC)
        stored, kept = Expectations(Provenance(SCHEMA, "7", "", "", {})), KeptChecks()
        ends: list[Graded] = []
        with PlainSandbox() as sandbox:
            for _ in range(times):
                files = {"pack/toy.py": REFERENCE.encode()}
                plan = Plan(assignment, sandbox, files, stored, only=frozenset(only))
                found = run_checks(plan, kept).checks
                ends.append(
                    [
                        f"{id_}: {case.message}"
                        for id_, check in found.items()
                        for case in check.cases
                    ]
                )
                between(assignment.checks_folder)
        return ends

    return grade


def test_checks_are_collected_once_for_all_submissions(
    graded: Callable[..., list[Graded]], sessions: list[int]
) -> None:
    first, second, third = graded(CHECKS)
    assert first
    assert first == second == third
    assert len(sessions) == 1


@pytest.mark.parametrize(
    ("kept", "use"),
    [
        ("SEEN = []", "SEEN.append(1); seen = len(SEEN)"),
        ("SEEN = {'n': 0}", "SEEN['n'] += 1; seen = SEEN['n']"),
        ("SEEN = np.zeros(1)", "SEEN[0] += 1; seen = int(SEEN[0])"),
        ("__SEEN = []", "__SEEN.append(1); seen = len(__SEEN)"),
        (
            "from collections import namedtuple\n\nclass Seen(namedtuple('Seen', 'a')):\n    pass\n\nSEEN = Seen(1)",
            "SEEN.n = getattr(SEEN, 'n', 0) + 1; seen = SEEN.n",
        ),
        ("SEEN = 0", "global SEEN; SEEN += 1; seen = SEEN"),
        ("def seen_by(seen=[]):\n    seen.append(1)\n    return len(seen)", "seen = seen_by()"),
        ("def seen_by():\n    seen_by.n = getattr(seen_by, 'n', 0) + 1\n    return seen_by.n", "seen = seen_by()"),
        ("class Seen:\n    n = 0", "Seen.n += 1; seen = Seen.n"),
        ("class Seen:\n    n = 0\n\nSEEN = Seen()", "SEEN.n += 1; seen = SEEN.n"),
        ("import itertools\n\nSEEN = itertools.count(1)", "seen = next(SEEN)"),
        ("class Seen(str):\n    n = 0\n\nSEEN = Seen()", "SEEN.n += 1; seen = SEEN.n"),
    ],
)  # fmt: skip
def test_no_submission_meets_what_another_has_left_in_a_check_file(
    graded: Callable[..., list[Graded]], sessions: list[int], kept: str, use: str
) -> None:
    lines = "".join(
        f"\n    {line}" for line in (*use.split("; "), "assert seen == 1, f'seen {seen}'")
    )
    assert COUNT in CHECKS
    checks = f"import numpy as np\n\n{kept}\n\n\n{CHECKS.replace(COUNT, COUNT + lines)}"
    first, second, third = graded(checks, "count")
    assert first == second == third
    assert "seen" not in str(first)
    assert len(sessions) == 3


def test_changed_check_files_are_collected_anew(
    graded: Callable[..., list[Graded]], sessions: list[int]
) -> None:
    def changed(folder: Path) -> None:
        path = folder / "test_toy.py"
        path.write_text(path.read_text().replace(COUNT, f"{COUNT}\n    raise ValueError('new')"))

    first, second = graded(CHECKS, "count", times=2, between=changed)
    assert "new" not in str(first)
    assert "ValueError: new" in str(second)
    assert len(sessions) == 2


def test_a_case_with_a_fixture_of_the_author_has_a_session_of_its_own_each_time(
    graded: Callable[..., list[Graded]], sessions: list[int]
) -> None:
    fixture = "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 2\n\n\n"
    first, second = graded(
        fixture + CHECKS.replace("test_count(student, ", "test_count(student, two, "), times=2
    )
    assert first == second
    assert len(sessions) == 2


def test_a_broken_check_is_an_error_each_time(graded: Callable[..., list[Graded]]) -> None:
    with pytest.raises(AssignmentError, match="can't be collected"):
        graded(f"{CHECKS}\nimport nowhere\n")


def test_what_could_change_unseen_is_not_described() -> None:
    module = ModuleType("test_more")
    module.plain = {"a": [1, 2.5, (None, "b")], "c": {3}}
    told = values({"test_more": module}, ())
    assert told is not None
    assert told == values({"test_more": module}, ())
    module.plain["a"].append(3)
    assert told != values({"test_more": module}, ())
    module.more = object()
    assert values({"test_more": module}, ()) is None
    module.more = list(range(30_000))
    assert values({"test_more": module}, ()) is None
    module.more = [1]
    module.more.append(module.more)
    assert values({"test_more": module}, ()) is not None
