"""Tries an assignment that was made of a notebook: what the reference fails, and what the untouched
template passes.

The notebook is the author's own, and runs in a process of its own without a box, as it does for
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
from grader.authoring.record import PUBLIC_SEED, reference_digest, reference_files
from grader.checking.api.expect import Mode
from grader.checking.explain.diagnosis import KnownMistakes
from grader.checking.run.plan import Outcome, Plan
from grader.checking.run.session import run_checks
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import AssignmentError
from grader.files import write_tree
from grader.model import Status
from grader.sandbox.ladder import open_sandbox


def tried(files: Mapping[str, bytes]) -> Trial:
    """Run the checks of an assignment against its reference, and if that passes all, against its
    template.
    """
    with tempfile.TemporaryDirectory(prefix="grader-new-") as folder:
        write_tree(Path(folder), files)
        assignment = load(Path(folder))
        recorded, outcome = _run(assignment, reference_files(assignment), None)
        wrong = {
            id_: next(case.message for case in check.cases if case.status is not Status.PASS)
            for id_, check in outcome.checks.items()
            if any(case.status is not Status.PASS for case in check.cases)
        }
        if wrong:
            return Trial(wrong=wrong)
        recorded.write(assignment.expectations_path("public"))
        KnownMistakes(assignment.digest, {}, {}).write(assignment.mistakes_path("public"))
        try:
            made = contents.build(assignment)
        except AssignmentError as error:
            return Trial(leaks=[str(error)])
        students = [notebook.path for notebook in assignment.spec.notebooks]
        students += [file.path for file in assignment.spec.files]
        template = {path: made.files[path] for path in students}
        _, outcome = _run(assignment, template, recorded)
        checks = outcome.checks.values()
        easy = {
            check.id: check.passed or _earns(check)
            for check in checks
            if _is_easy(assignment, check)
        }
        if easy:
            return Trial(easy=easy)
        found = leak_check.leaks_of(made, assignment)
        places = (f"{leak.path}, line {leak.line}: {leak.text!r}" for leak in found)
        return Trial(
            leaks=[
                f"a line of a solution stands in the handout's {one}; reword one" for one in places
            ]
        )


def _is_easy(assignment: Assignment, check: CheckOutcome) -> bool:
    """Return whether the untouched template does not fail a check for want of an answer."""
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
    """Record where there are no expectations, else compare."""
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
