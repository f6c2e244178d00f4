"""The pages that a handout adds to the author's files: README, tox.ini, pytest's configuration."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.assignment.schema import CheckSpec, Spec
from grader.assignment.spec import Assignment
from grader.authoring.handout.wheel import wheel_name
from grader.errors import AssignmentError
from grader.model import Visibility

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
RESERVED = ("all", "pytest", "submit", "jupyter", "notebooks", "watch")


class Part(msgspec.Struct, frozen=True):
    """One of a handout's tox environments."""

    name: str
    title: str
    checks: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The title without what means something in an INI file of tox."""
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
    told = {
        "spec": spec,
        "parts": parts(spec),
        "wheel": wheel_name(),
        "partial": len(spec.questions) < len(assignment.spec.questions),
        "hidden": any(check.visibility is Visibility.HIDDEN for check in assignment.spec.checks),
        "follow_through": any(check.requires for check in spec.checks),
        "points": {
            question.id: (
                f"{sum(check.points for check in spec.checks if check.question == question.id):g}"
            )
            for question in spec.questions
        },
    }
    made = {name: templates.get_template(f"{name}.j2").render(told).encode() for name in PAGES}
    return made | {"pytest.ini": PYTEST_INI, ".gitignore": GITIGNORE}


def parts(spec: Spec) -> list[Part]:
    """Return the parts that can be checked alone: each question's functions, and the notebooks."""

    def ids(wanted: Callable[[CheckSpec], bool]) -> tuple[str, ...]:
        return tuple(check.id for check in spec.checks if wanted(check))

    result = []
    for question in spec.questions:
        name = question.name or question.id
        if name in RESERVED or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise AssignmentError(
                f"question `{question.id}` would be the tox environment {name!r}: give it a `name`"
                f" of small letters and digits that is none of {', '.join(RESERVED)}"
            )
        functions = ids(lambda check, id_=question.id: check.question == id_ and not check.notebook)  # type: ignore[misc]  # mypy can't infer a default
        if functions:
            result.append(Part(name, f"the functions of: {question.title}", functions))
    if notebooks := ids(lambda check: bool(check.notebook)):
        result.append(Part("notebooks", "the notebooks, run from top to bottom", notebooks))
    return result
