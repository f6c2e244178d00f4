"""`student`: stands for the submission in a check. Calling it crosses into the box; plain data
comes back.

What is plain (arrays, numbers, text) comes back as itself; what is not (a cache, a model) stays in
the box and is held by a `Value`, which can be called, indexed, read and handed to the next call.
"""

from __future__ import annotations

import builtins
import difflib
import itertools
import operator
from typing import Any

from grader.assignment.spec import BOX_MODULE, Assignment
from grader.checking.api.value import BoxFunction, Value
from grader.checking.case.case import Case
from grader.checking.case.case_files import Files
from grader.errors import AssignmentError

# Whose functions a check may call in the box, by name.
LIBRARIES = {"builtins": builtins, "operator": operator, "itertools": itertools}


class Student:
    """The submission, as a check sees it: its functions and classes by their names."""

    def __init__(self, assignment: Assignment, case: Case) -> None:
        self._modules = assignment.modules
        self._has_box = assignment.box_path is not None
        self._case = case

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self._modules.get(name)
        if module is None and name in LIBRARIES:
            return Library(self._case, name)
        if module is None and name == "after":
            return self._after
        if module is None and name == "box":
            if not self._has_box:
                raise AssignmentError(
                    "a check uses `student.box`, and there is no `checks/box.py` with its functions"
                )
            return Helpers(self._case)
        if module is None and name == "files":
            return Files(self._case)
        if module is None:
            close = difflib.get_close_matches(name, self._modules, n=1)
            hint = f": did you mean `{close[0]}`?" if close else ""
            raise AssignmentError(
                f"a check calls `student.{name}`, which no file of assignment.toml `provides`{hint}"
            )
        return Value(self._case, [["module", module], ["attr", name]], name, module)

    def _after(self, argument: Any) -> Any:
        """Return what the calls of this case made of an argument: `student.after(items)`."""
        self._case.asked_after.append(argument)
        return self._case.after(argument)


class Library:
    """A library of Python's in the box, whose functions are called by name:
    `student.builtins.len(queue)`.
    """

    def __init__(self, case: Case, library: str) -> None:
        self._case = case
        self._library = library

    def __getattr__(self, name: str) -> BoxFunction:
        if name.startswith("__") or not hasattr(LIBRARIES[self._library], name):
            raise AttributeError(f"Python's `{self._library}` has no `{name}`")
        return BoxFunction(self._case, self._library, name)


class Helpers:
    """The author's helper module in the box: `student.box.as_list(letters)` calls its function
    `as_list`.

    What it answers is a student's word, since the student's code may change anything in the box.
    """

    def __init__(self, case: Case) -> None:
        self._case = case

    def __getattr__(self, name: str) -> BoxFunction:
        if name.startswith("__"):
            raise AttributeError(name)
        return BoxFunction(
            self._case, BOX_MODULE, name, [["module", BOX_MODULE], ["attr", name]], f"box.{name}"
        )
