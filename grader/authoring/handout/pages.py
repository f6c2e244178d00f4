"""The pages that a handout adds to the author's files: README, tox.ini, pytest's configuration."""

from __future__ import annotations

import re

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.assignment.naming import RESERVED, names_a_question
from grader.assignment.schema import Spec
from grader.assignment.spec import Assignment
from grader.authoring.handout.wheel import wheel_name
from grader.errors import AssignmentError

PYTEST_INI = b"""\
[pytest]
testpaths = assignment/checks
addopts = -p grader.practice.pytest_plugin --import-mode=importlib
filterwarnings = ignore:datetime.datetime.utcnow:DeprecationWarning
"""
GITIGNORE = (
    b".tox/\n.venv/\n.pytest_cache/\nreport/\n__pycache__/\n.ipynb_checkpoints/\n*-submission.zip\n"
)
PAGES = ("README.md", "tox.ini", "toxfile.py")


class ToxPart(msgspec.Struct, frozen=True):
    """One of a handout's tox environments."""

    name: str
    title: str
    checks: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The title without characters that have a meaning in tox's INI file."""
        return " ".join(re.sub(r"[{}#\\]", " ", self.title).split())


def pages(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the pages of a handout with this spec."""
    templates = Environment(  # noqa: S701 - Markdown and INI, made of the author's own words
        loader=PackageLoader("grader.authoring"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    points: dict[str, float] = {question.id: 0.0 for question in spec.questions}
    follow_through = False
    for check in spec.checks:
        points[check.question] += check.points
        follow_through = follow_through or bool(check.requires)
    values = {
        "spec": spec,
        "parts": parts(spec),
        "wheel": wheel_name(),
        "partial": len(spec.questions) < len(assignment.spec.questions),
        "hidden": assignment.spec.has_hidden_checks,
        "follow_through": follow_through,
        "points": dict(zip(points, map("{:g}".format, points.values()), strict=True)),
    }
    made = {"pytest.ini": PYTEST_INI, ".gitignore": GITIGNORE}
    for name in PAGES:
        made[name] = templates.get_template(f"{name}.j2").render(values).encode()
    return made


def parts(spec: Spec) -> list[ToxPart]:
    """Return the parts that can be checked alone: each question's functions, and the notebooks."""
    functions: dict[str, list[str]] = {}
    notebooks: list[str] = []
    for check in spec.checks:
        ids = notebooks if check.notebook else functions.setdefault(check.question, [])
        ids.append(check.id)
    result = []
    for question in spec.questions:
        name = question.name or question.id
        if not names_a_question(name):
            raise AssignmentError(
                f"question `{question.id}` would be the tox environment {name!r}: give it a `name`"
                f" of small letters and digits, other than {', '.join(RESERVED)}"
            )
        if own := functions.get(question.id):
            result.append(ToxPart(name, f"the functions of: {question.title}", tuple(own)))
    if notebooks:
        result.append(
            ToxPart("notebooks", "the notebooks, run from top to bottom", tuple(notebooks))
        )
    return result
