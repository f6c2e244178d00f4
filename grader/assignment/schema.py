"""``assignment.toml`` as data: its tables, their keys and the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from grader.limits import Limits
from grader.model import Visibility


class QuestionSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[questions]]``: a part of the assignment with points of its own."""

    id: str
    title: str
    name: str = ""  # a word for command lines, such as "rnn"; if empty, the id is used


class FileSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[files]]``: a file that students write, and what the checks call in it."""

    path: str
    provides: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The name under which the file is imported."""
        return self.path.removesuffix(".py").replace("/", ".")


class NotebookSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[notebooks]]``: a notebook that students run, and the path of the author's own."""

    path: str
    source: str
    # whether a submission without it fails; otherwise the provided one is run instead
    required: bool = False
    keep_extra_cells: bool = True  # whether cells that students added are run too
    provides: tuple[str, ...] = ()  # functions that its cells define


class CheckSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[checks]]``: what a check is worth. Its sentence is the docstring of its test."""

    id: str
    question: str
    points: float
    visibility: Visibility = Visibility.VISIBLE
    notebook: str = ""  # the notebook whose outcome it judges
    # checks whose functions this one builds on: they may be replaced by right ones
    requires: tuple[str, ...] = ()
    # a case -> its weight among the cases, if it is not 1
    weights: Mapping[str, float] | None = None
    lazy_share: float = 0.0  # the part of its points, of 1, that an answer without work may earn
    # how many times as long as the reference's the calls of a case may take in all
    times_reference: float | None = None
    # whether it runs beside the student's objects, as nbgrader's and Otter's do: docs/security.md
    in_box: bool = False
    # of one in the box: the id of the cell after which it runs; if empty, the last
    after: str = ""
    # of one in the box that ends with a number: the points that the reference has, if not all
    reference_points: float | None = None
    # whether the untouched template may pass it, or fail it for another reason
    may_pass_untouched: bool = False
    # whether practice shows what was expected and got, on the public seed
    show_expected: bool = False
    when_passed: str = ""  # the author's own words for a student whose work passes
    when_failed: str = ""  # and for one whose work does not, ahead of what was found


class AllowedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[allowed_lines]]``: a line of a solution or hidden test that the handout may hold."""

    line: str
    reason: str


class LateSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[late]``: what lateness costs in a class's gradebook. A day that has begun counts."""

    due: datetime | None = None  # with an offset; a course may give its own in overrides.toml
    grace_minutes: float = 0
    free_days: int = 0
    percent_per_day: float = 10
    percent_of: Literal["points", "max"] = "points"  # of what was reached, or of what could be
    max_days: int | None = None  # later than that, nothing is given


class ManualSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[manual]]``: a function or a cell of the students' that a person reads, with points of its
    own.
    """

    id: str
    points: float
    title: str = ""  # what students and graders call it; the id where there is none
    function: str = ""  # of a student's file or of `notebook`, as `NAME` or `Class.method`
    notebook: str = ""  # the notebook of the cell, or the one that defines the function
    cell: str = ""  # a cell instead of a function: its id in the author's notebook


class RubricSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[rubric]]``: an item that graders choose at the desk; its text is what the student
    reads.
    """

    part: str  # an answer (`Notebook/cell`), a part under `[[manual]]`, or a check
    text: str
    points: float  # added, or below 0 taken away


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of ``assignment.toml``."""

    schema: int
    name: str
    title: str
    version: str = "1"
    reference: str = ""  # folder of the reference solution, relative to the assignment
    questions: tuple[QuestionSpec, ...]
    files: tuple[FileSpec, ...] = ()
    notebooks: tuple[NotebookSpec, ...] = ()
    checks: tuple[CheckSpec, ...]
    handout_of: str = ""  # in a handout: the digest of the assignment that it was made from
    # file or folder of the assignment -> its path in a student's folder
    provided: Mapping[str, str] = {}
    # installed packages that would do the work: a sandboxed submission can't read them
    withheld: tuple[str, ...] = ()
    error_maps: Literal["coarse", "fine"] = "coarse"
    allowed_lines: tuple[AllowedLine, ...] = ()
    limits: Limits = Limits()
    late: LateSpec | None = None
    # the author's helper module that runs beside the student's, within the assignment:
    # checks/box.py
    box: str = ""
    # patterns of further modules that students may hand in, such as "utils*.py"
    own_modules: tuple[str, ...] = ()
    # packages that the checks or the students' work need, as pip writes them
    requires: tuple[str, ...] = ()
    manual: tuple[ManualSpec, ...] = ()
    rubric: tuple[RubricSpec, ...] = ()

    @property
    def file_paths(self) -> tuple[str, ...]:
        """The paths of the files that students write."""
        return tuple(file.path for file in self.files)

    @property
    def notebook_paths(self) -> tuple[str, ...]:
        """The paths of the notebooks that students run."""
        return tuple(notebook.path for notebook in self.notebooks)

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The ids of the checks."""
        return tuple(check.id for check in self.checks)

    @property
    def has_hidden_checks(self) -> bool:
        """Whether some checks are not in the handout."""
        return any(check.visibility is Visibility.HIDDEN for check in self.checks)

    @property
    def student_paths(self) -> tuple[str, ...]:
        """The paths of everything that a student hands in."""
        return self.file_paths + self.notebook_paths
