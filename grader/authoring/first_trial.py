"""Tries an assignment that was made from a notebook, with its reference and its untouched template.

The notebook is the author's own. It runs in a separate process without a box, as it does for
`grader record`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.assignment.spec import Assignment, load
from grader.assignment.trial import Trial
from grader.authoring.handout import contents, leak_check
from grader.authoring.record import (
    PUBLIC_SEED,
    earns_what_is_said,
    reference_digest,
    reference_files,
)
from grader.checking.api.held_values import Mode
from grader.checking.explain.diagnosis import KnownMistakes
from grader.checking.run.plan import Outcome, Plan
from grader.checking.run.verdicts import CheckOutcome
from grader.checking.session.run_checks import run_checks
from grader.errors import AssignmentError
from grader.files import write_tree
from grader.model import Status
from grader.sandbox.ladder import open_sandbox


def tried(files: Mapping[str, bytes]) -> Trial:
    """Run an assignment's checks on its reference, and if all pass, on its template."""
    with tempfile.TemporaryDirectory(prefix="grader-new-") as folder:
        write_tree(Path(folder), files)
        assignment = load(Path(folder))
        recorded, outcome = _run(assignment, reference_files(assignment), None)
        wrong: dict[str, str] = {}
        partly: dict[str, float] = {}
        for id_, check in outcome.checks.items():
            for case in check.cases:
                if case.status is not Status.PASS and not earns_what_is_said(assignment, id_, case):
                    wrong.setdefault(id_, case.message)
                    spec = assignment.check(id_)
                    if spec is not None and spec.in_box and case.share:
                        partly[id_] = round(case.share * spec.points, 2)
        if wrong:
            return Trial(wrong=wrong, partly=partly)
        recorded.write(assignment.expectations_path("public"))
        KnownMistakes(assignment.digest, {}, {}).write(assignment.mistakes_path("public"))
        try:
            made = contents.build(assignment)
        except AssignmentError as error:
            return Trial(leaks=[str(error)])
        template = {path: made.files[path] for path in assignment.spec.student_paths}
        _, outcome = _run(assignment, template, recorded)
        easy: dict[str, bool] = {}
        for check in outcome.checks.values():
            if _is_easy(assignment, check):
                easy[check.id] = check.passed or _earns(check)
        if easy:
            return Trial(easy=easy)
        leaks = []
        for leak in leak_check.leaks_of(made, assignment):
            place = f"{leak.path}, line {leak.line}: {leak.text!r}"
            leaks.append(f"a line of a solution stands in the handout's {place}; reword one")
        return Trial(leaks=leaks)


def _is_easy(assignment: Assignment, check: CheckOutcome) -> bool:
    """Return whether the untouched template gets another verdict than "not implemented"."""
    spec = assignment.check(check.id)
    if spec is None or spec.may_pass_untouched:
        return False
    if spec.in_box:
        return check.passed or _earns(check)
    return not all(case.unimplemented or case.status is Status.SKIP for case in check.cases)


def _earns(check: CheckOutcome) -> bool:
    return any(case.earned for case in check.cases)


def _run(
    assignment: Assignment, files: dict[str, bytes], expectations: Expectations | None
) -> tuple[Expectations, Outcome]:
    """Record if there are no expectations; otherwise compare."""
    mode = Mode.RECORD if expectations is None else Mode.COMPARE
    if expectations is None:
        expectations = Expectations(
            Provenance(SCHEMA, PUBLIC_SEED, assignment.digest, reference_digest(assignment), {})
        )
    with open_sandbox("none", assignment.spec.limits, []) as sandbox:
        plan = Plan(
            assignment=assignment,
            sandbox=sandbox,
            files=files,
            expectations=expectations,
            mode=mode,
        )
        try:
            return expectations, run_checks(plan)
        except AssignmentError as error:
            raise AssignmentError(
                f"the notebook's tests could not be made into checks: {error}"
            ) from error
