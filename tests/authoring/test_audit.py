"""The audit of a small assignment: what its checks let through, what they refuse wrongly, and what
is said of it.
"""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.audit import audit_report, trial_runs
from grader.authoring.audit.audit_advice import advice
from grader.authoring.audit.audit_inputs import Equivalent, key_of, right_solutions
from grader.authoring.audit.findings import Audit, MutantState
from grader.authoring.audit.mutants import mutants
from grader.authoring.audit.run_audit import AuditOptions, audit
from grader.authoring.audit.trial_runs import Bench, TrialRun, run_one
from grader.errors import AssignmentError, UsageError

SPEC = """
schema = 1
name = "small"
title = "Something small"
reference = "../solutions"
questions = [{ id = "q", title = "All" }]
files = [{ path = "code.py", provides = ["center", "halvings"] }]
checks = [
  { id = "center", question = "q", points = 1 },
  { id = "halvings", question = "q", points = 1, lazy_share = 0.5 },
]
"""
REFERENCE = '''"""The reference."""


def center(x):
    ### BEGIN SOLUTION
    return x - x.mean(axis=0)
    ### END SOLUTION


def halvings(n):
    ### BEGIN SOLUTION
    count = 0
    for power in range(1, 8):
        if n >= 2**power:
            count += 1
    return count
    ### END SOLUTION
'''
CHECKS = """
import pytest


def test_center(student, expect, rng):
    \"\"\"Columns with a mean of zero.\"\"\"
    expect("y", student.center(rng.standard_normal((4, 3))))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 128, 300])
def test_halvings(student, expect, n):
    \"\"\"How often a number can be halved, up to seven times.\"\"\"
    expect("count", student.halvings(n))
"""
MISTAKE = """
name = "{name}"
hint = "{hint}"
fails = {fails}
changes = [{{ file = "code.py", function = "center", old = "{old}", new = "{new}" }}]
"""
RIGHT = REFERENCE.replace("x - x.mean(axis=0)", "(x.T - x.sum(0).reshape(-1, 1) / len(x)).T")


class Small:
    """The assignment's folder, to be written to before it is audited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("assignment/assignment.toml", SPEC)
        self.write("assignment/checks/test_all.py", CHECKS)
        self.write("solutions/code.py", REFERENCE)

    def write(self, name: str, text: str) -> Small:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self

    def mistake(
        self, id_: str, old: str, new: str, *fails: str, hint: str = "Look again."
    ) -> Small:
        text = MISTAKE.format(
            name=f"Mistake {id_}", hint=hint, old=old, new=new, fails=json.dumps(fails)
        )
        return self.write(f"assignment/misconceptions/{id_}.toml", text)

    def equivalent(self, function: str, *diff: str, reason: str = "It is the same.") -> Small:
        entry = f'[[equivalent]]\nfunction = "{function}"\ndiff = """\n{chr(10).join(diff)}\n"""\nreason = "{reason}"\n'
        return self.write("assignment/equivalent_mutants.toml", entry)

    def recorded(self) -> Assignment:
        assignment = load(self.folder / "assignment")
        if not assignment.expectations_path("public").is_file():
            record.record(assignment, reseed=False, again=False, progress=lambda line: None)
        return assignment

    def audited(self, *parts: str, right: Path | None = None) -> Audit:
        made = self.recorded()
        return audit(made, AuditOptions(isolation=tier(), workers=1, parts=parts, right=right))


@functools.cache
def tier() -> str:
    """Return what `auto` stands for on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        made = load(Small(Path(folder)).folder / "assignment")
        return trial_runs.settle(made, "auto")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    Small(folder).recorded()
    return folder


@pytest.fixture
def small(recorded: Path, tmp_path: Path) -> Small:
    """The assignment, with its expectations recorded."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    return Small(tmp_path)


@pytest.fixture
def weak(tmp_path: Path) -> Small:
    """The assignment with a check that sees no numbers, and one for which one case is enough."""
    checks = CHECKS.replace("student.center(", "str(student.center(").replace(
        "((4, 3)))", "((4, 3))).shape)"
    )
    return Small(tmp_path).write(
        "assignment/checks/test_all.py", checks.replace("[1, 2, 3, 4, 5, 7, 8, 128, 300]", "[0]")
    )


def test_strong_checks_kill_every_mutant(small: Small) -> None:
    found = small.audited("mutants")
    assert found.good
    assert {mutant.state for mutant in found.mutants} == {MutantState.KILLED}
    rows = {row.id: row for row in found.checks}
    assert rows["center"].alone == rows["center"].kills > 3
    assert rows["center"].kills + rows["halvings"].kills == len(found.mutants)
    assert (found.advice, found.problems) == ((), ())


def test_weak_checks_let_mutants_through_and_the_author_is_told_what_to_strengthen(
    weak: Small,
) -> None:
    found = weak.audited("mutants")
    assert not found.good
    alive = {mutant.diff.partition("\n+ ")[2] for mutant in audit_report.survivors(found)}
    assert {"return x + x.mean(axis=0)", "return x - x.mean(axis=1)"} & alive == {
        "return x + x.mean(axis=0)"
    }
    assert "count -= 1" in alive
    assert any(
        one.startswith("`center`: ") and "strengthen `center`" in one for one in found.advice
    )
    assert any("equivalent_mutants.toml" in one for one in found.advice)
    cell = msgspec.structs.replace(
        audit_report.survivors(found)[0], function="", place="cell sum of Book.ipynb"
    )
    told = list(advice(["center"], [cell, cell], [], []))
    assert told[0].startswith("cell sum of Book.ipynb: 2 mutants survive. For each, no check")
    text = audit_report.text(found)
    assert "- return x - x.mean(axis=0)\n+ return x + x.mean(axis=0)" in text
    page = audit_report.html(found).decode()
    assert "+ return x + x.mean(axis=0)" in page
    assert "strengthen <code>center</code>" in page
    assert "Mutants that survived" in page
    told = json.loads(audit_report.json(found))
    assert told["good"] is False
    assert {one["state"] for one in told["mutants"]} == {"killed", "survived"}


def test_survivor_is_not_taken_for_its_twin_that_a_check_noticed(tmp_path: Path) -> None:
    twice = "x += 1\n    y = list(x)\n    x += 1\n    return np.array([*x, *y])"
    center, halvings = REFERENCE.replace("return x - x.mean(axis=0)", twice).split(
        "\n\n\ndef halvings"
    )
    twice = f"import numpy as np\n{center}\n\n\ndef halvings{halvings.replace('###', '#')}"
    checks = CHECKS.replace(
        "standard_normal((4, 3)))", "standard_normal(3)), where=np.arange(6) > 2"
    ).replace("import pytest", "import numpy as np\nimport pytest")
    small = (
        Small(tmp_path)
        .write("solutions/code.py", twice)
        .write("assignment/checks/test_all.py", checks)
    )
    found = small.audited("mutants")
    twins = {
        mutant.id[-2:]: mutant.state
        for mutant in found.mutants
        if mutant.diff == "- x += 1\n+ x -= 1"
    }
    assert sorted(twins.values()) == [MutantState.KILLED, MutantState.SURVIVED]
    assert twins["-2"] is MutantState.SURVIVED

    small.equivalent("center", "- x += 1", "+ x -= 1")
    found = small.audited("mutants")
    # one of the two is as it says
    assert not [one for one in found.problems if "is listed, but" in one]


def test_known_mistakes_fail_where_they_say_and_nowhere_else(small: Small) -> None:
    small.mistake("good", "axis=0", "axis=0, keepdims=True) * (2", "center")
    small.mistake("passes", "x - x.mean(axis=0)", "x - x.sum(axis=0) / len(x)", "center")
    small.mistake("elsewhere", "axis=0", "axis=1, keepdims=True", "halvings")
    found = small.audited("misconceptions")
    results = {one.id: one for one in found.misconceptions}
    assert not found.good
    assert results["good"].good
    assert results["passes"].passes_wrongly == ("center",)
    assert results["elsewhere"].passes_wrongly == ("halvings",)
    assert list(results["elsewhere"].fails_wrongly) == ["center"]
    assert any("`center` should fail the known mistake `passes`" in one for one in found.advice)
    assert any("`center` fails the known mistake `elsewhere`" in one for one in found.advice)
    assert {row.id: row.misconceptions for row in found.checks} == {"center": 1, "halvings": 0}


def test_known_mistake_is_told_its_own_hint_with_numbers_that_were_never_recorded(
    small: Small,
) -> None:
    small.mistake("one", "axis=0", "axis=1, keepdims=True", "center", hint="Columns?")
    small.mistake("other", "x - x", "x + x", "center", hint="Subtract.")
    found = small.audited("misconceptions")
    assert {one.id: (one.hinted, one.own_hint) for one in found.misconceptions} == {
        "one": (("center",), True),
        "other": (("center",), True),
    }
    assert (found.good, found.advice) == (True, ())
    assert json.loads(audit_report.json(found))["own_hints"] == {
        "all": 2,
        "own": 2,
        "without": [],
        "share": 1.0,
    }
    assert "2 of these 2 (100%) get their own hint" in audit_report.text(found)


def test_known_mistakes_of_the_same_numbers_and_two_hints_are_told_none(small: Small) -> None:
    small.mistake("columns", "axis=0", "axis=1, keepdims=True", "center", hint="Columns?")
    small.mistake(
        "transposed", "x - x.mean(axis=0)", "(x.T - x.T.mean(axis=0)).T", "center", hint="Rows?"
    )
    found = small.audited("misconceptions")
    assert found.good  # they fail, as they should
    assert (found.hints.own, found.hints.without) == (0, ("columns", "transposed"))
    said = "the known mistake `columns` (Mistake columns) no hint, since `transposed` gives the same numbers"
    assert any(said in one and "one `group`" in one for one in found.advice)
    assert "that do not get their own hint: columns, transposed" in audit_report.text(found)
    small.mistake(
        "transposed", "x - x.mean(axis=0)", "(x.T - x.T.mean(axis=0)).T", "center", hint="Columns?"
    )
    assert small.audited("misconceptions").hints.without == ()


def test_known_mistake_without_numbers_is_told_none_and_the_author_learns_why(small: Small) -> None:
    small.mistake("raises", "x - x.mean(axis=0)", "x / None", "center")
    found = small.audited("misconceptions")
    assert found.hints.without == ("raises",)
    assert any("No check knows `raises` by its numbers" in one for one in found.advice)


def test_known_mistake_that_is_told_the_hint_of_another_is_bad(small: Small) -> None:
    small.mistake("columns", "axis=0", "axis=1, keepdims=True", "center", hint="Columns?")
    small.mistake("elsewhere", "axis=0", "axis=1, keepdims=True", "halvings", hint="Halve.")
    found = small.audited("misconceptions")
    results = {one.id: one for one in found.misconceptions}
    assert results["elsewhere"].misled == {"center": "Mistake columns"}
    assert not results["elsewhere"].good
    said = "`center` gives the known mistake `elsewhere` (Mistake elsewhere) the hint of another, Mistake columns"
    assert any(said in one for one in found.advice)
    assert "that of another" in audit_report.html(found).decode()


def test_right_solutions_pass_with_every_seed_and_a_wrong_one_is_seen(small: Small) -> None:
    small.write("right/other_way/code.py", RIGHT).write("right/other_way/notes.txt", "Nothing.")
    small.write("right/not_right/code.py", REFERENCE.replace("count = 0", "count = 0 if n else 1"))
    small.write("right/only_for_some/code.py", REFERENCE.replace("n >= 2", "200 > n >= 2"))
    found = small.audited("right", right=small.folder / "right")
    results = {one.name: one for one in found.right}
    assert results["other_way"].good
    assert (results["other_way"].hinted, results["only_for_some"].hinted) == (False, True)
    assert set(results["other_way"].seeds) == {"hidden", "public", "1", "2", "3"}
    assert results["not_right"].good  # no check has a case for zero
    assert set(results["only_for_some"].lost) == {"hidden", "public", "1", "2", "3"}
    assert any(
        "`halvings` is too strict: the right solution `only_for_some`" in one
        for one in found.advice
    )
    assert not found.good


def test_right_solutions_lie_in_the_assignment_with_modules_of_their_own(small: Small) -> None:
    small.write("assignment/right/split/code.py", RIGHT)
    small.write("assignment/right/split/own_part.py", "").write("assignment/right/split/x.py", "")
    made = load(small.folder / "assignment")
    spec = msgspec.structs.replace(made.spec, own_modules=("own_*.py",))
    found = right_solutions(Assignment(made.folder, spec), None)
    assert {*found["split"]} == {"code.py", "own_part.py"}


def test_equivalent_mutant_needs_a_reason_and_stays_listed_only_while_it_is_one(
    small: Small,
) -> None:
    checks = CHECKS.replace("[1, 2, 3, 4, 5, 7, 8, 128, 300]", "[0, 1, 2, 3, 4, 5, 7, 8, 128, 300]")
    small.write("assignment/checks/test_all.py", checks)
    record.record(
        load(small.folder / "assignment"), reseed=False, again=False, progress=lambda line: None
    )

    small.equivalent("halvings", "- if n >= 2**power:", "+ if n > 2**power - 1:")
    assert "no mutant of `halvings` has this diff any more" in small.audited("mutants").problems[0]
    small.equivalent("center", "- return x - x.mean(axis=0)", "+ return x + x.mean(axis=0)")
    found = small.audited("mutants")
    assert not found.good
    assert "is listed, but `center` can distinguish it from the reference" in found.problems[0]
    small.equivalent("", "- a", "+ b", reason=" ")
    with pytest.raises(AssignmentError, match="mutant outside of functions has no `reason`"):
        small.audited("mutants")


def test_a_listed_diff_may_begin_with_a_line_that_stays() -> None:
    text = "def f(x):\n    ### BEGIN SOLUTION\n    for y in x:\n        a = y\n        b = a\n"
    found = mutants({"code.py": f"{text}    ### END SOLUTION\n    return b\n".encode()})
    moved = next(one for one in found if one.diff.startswith("  for"))
    listed = Equivalent(function="f", diff=f"\n{moved.diff}\n", reason="-")
    assert listed.key == key_of(moved.function, moved.diff)


def test_survivor_that_is_listed_is_no_survivor(weak: Small) -> None:
    weak.equivalent("center", "- return x - x.mean(axis=0)", "+ return x + x.mean(axis=0)")
    found = weak.audited("mutants")
    listed = [mutant for mutant in found.mutants if mutant.state is MutantState.EQUIVALENT]
    assert [mutant.reason for mutant in listed] == ["It is the same."]
    assert found.problems == ()
    assert "It is the same." in audit_report.html(found).decode()


def test_check_that_breaks_on_a_wrong_answer_is_a_finding_and_its_mutants_are_killed(
    tmp_path: Path, inline: Callable
) -> None:
    breaks = CHECKS.replace('expect("y", student.center(', "y = (student.center(").replace(
        "((4, 3))))", '((4, 3))))\n    expect("table", next(one for one in [y] if one.ndim == 2))'
    )
    small = Small(tmp_path).write(
        "assignment/checks/test_all.py", breaks.replace("import p", "import numpy as np\nimport p")
    )
    small.mistake("sum", "return x - x.mean(axis=0)", "return x.mean(axis=1)", "center")
    out = tmp_path / "out"
    run = inline(
        "audit",
        "--assignment",
        small.recorded().folder,
        "--out",
        out,
        "--part",
        "misconceptions",
    )
    assert run.code == 1
    assert "`center` is fragile: it breaks on the answers of `misconception:sum`" in run.out
    assert "Compare an answer with `expect`" in (out / "audit.html").read_text(
        encoding="utf-8"
    ).replace("<code>", "`").replace("</code>", "`")
    told = json.loads((out / "audit.json").read_bytes())
    assert (told["good"], told["fragile"][0]["id"]) == (False, "center")
    assert told["misconceptions"][0]["passes_wrongly"] == []


def test_trial_has_as_much_more_time_as_the_machine_is_busy(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_runs, "slowdown", lambda: 4.0)
    made = load(small.folder / "assignment")
    own = made.spec.limits
    hurried = trial_runs.timed(made, hurry=True).spec.limits
    patient = trial_runs.timed(made, hurry=False).spec.limits
    assert hurried.call_seconds == 4 * trial_runs.HURRY
    assert hurried.import_seconds == patient.import_seconds == 4 * own.import_seconds
    assert patient.call_seconds == 4 * own.call_seconds


def test_mutant_that_never_returns_is_cut(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_runs, "slowdown", lambda: 1.0)
    assignment = small.recorded()
    endless = REFERENCE.replace("count = 0", "while True:\n        pass")
    trial = TrialRun("endless", {"code.py": endless.encode()}, "hidden", (frozenset({"halvings"}),))
    verdict = run_one(Bench(str(assignment.folder), "none"), trial)
    assert "still running after the limit of 3 seconds" in verdict.failed["halvings"]
    assert verdict.faults == {}


def test_stage_is_run_only_where_the_one_before_it_passed(small: Small) -> None:
    bench = Bench(str(small.recorded().folder), "none")
    stages = (frozenset[str](), frozenset({"center"}), frozenset({"halvings"}))
    wrong = {"code.py": REFERENCE.replace("x - x", "x + x").encode()}
    assert run_one(bench, TrialRun("right", {}, "public", stages)).ran == ("center", "halvings")
    assert run_one(bench, TrialRun("wrong", wrong, "public", stages)).ran == ("center",)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (
            lambda small: small.mistake("some", "axis=0", "axis=1", "centre"),
            "`fails` names 'centre', which is not a che",
        ),
        (
            lambda small: small.write("assignment/equivalent_mutants.toml", "[[equivalent]]"),
            "equivalent_mutants",
        ),
        (
            lambda small: small.write("assignment/checks/test_all.py", CHECKS + "\n\n# changed\n"),
            "is stale",
        ),
    ],
)
def test_broken_assignment_is_told(
    small: Small, prepare: Callable[[Small], Small], says: str
) -> None:
    with pytest.raises(AssignmentError, match=says):
        prepare(small).audited("misconceptions", "mutants")


def test_right_folder_that_holds_nothing_of_use_is_told(small: Small) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        small.audited("right", right=small.folder / "nowhere")
    small.write("right/empty/notes.txt", "")
    with pytest.raises(
        UsageError, match=r"empty holds none of the files that students write \(code\.py\)"
    ):
        small.audited("right", right=small.folder / "right")


def test_command_writes_both_reports_and_says_by_its_code_whether_all_is_good(
    small: Small, inline: Callable
) -> None:
    small.mistake("good", "axis=0", "axis=1, keepdims=True", "center")
    small.write("tests/right/other_way/code.py", RIGHT)
    folder, out = small.recorded().folder, small.folder / "out"
    run = inline("audit", "--assignment", folder, "--out", out, "--workers", "2")
    assert run.code == 0, run.err
    assert (
        "none survives; 1 known mistakes, all fail where they should; 1 of these 1 (100%)"
        in run.out
    )
    assert "get their own hint; 33 lazy solutions, all earn no more than they may" in run.out
    assert "; 1 right solutions, all have full marks" in run.out
    assert {path.name for path in out.iterdir()} == {"audit.html", "audit.json"}
    assert json.loads((out / "audit.json").read_bytes())["good"] is True
    small.mistake("passes", "x - x.mean", "x - 1.0 * x.mean", "center")
    run = inline(
        "audit",
        "--assignment",
        folder,
        "--out",
        out,
        "--part",
        "misconceptions",
    )
    assert run.code == 1
    assert "`center` should fail the known mistake `passes`" in textwrap.dedent(run.out)
