"""Makes api.md from the docstrings of what checks use: `python docs/make_api.py`. Tests see that it
is fresh.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grader.checking import inputs
from grader.checking.api.expect import Expect
from grader.checking.api.notebook import Notebook
from grader.checking.api.student import Helpers, Library, Student
from grader.checking.api.value import Value
from grader.checking.case.case_files import Files

HEAD = """\
# What checks use

The fixtures of a check and what they offer. [For authors](authors.md) says how to use them, and
[What crosses the border](crossing.md) what can be passed and returned. This page is made by `docs/make_api.py`.
"""
RNG = """\
## `rng`

A `numpy.random.Generator`, seeded by the seed of the expectations, the check and the case. Practice draws other numbers
than grading does.
"""
CLASSES: tuple[tuple[str, str, type], ...] = (
    ("`student`", "student", Student),
    ("What `student.name` and calls return", "value", Value),
    ("`student.files`", "student.files", Files),
    ("`student.builtins`, `student.operator`, `student.itertools`", "student.builtins", Library),
    ("`student.box`", "student.box", Helpers),
    ("`expect`", "expect", Expect),
    ("`notebook`", "notebook", Notebook),
)
INNER = {"brought"}  # for the package itself
SPECIAL = {
    "__call__": "{}{}",
    "__getitem__": "{}[...]",
    "__setitem__": "{}[...] = ...",
    "__delitem__": "del {}[...]",
    "__setattr__": "{}.name = ...",
    "__delattr__": "del {}.name",
    "__enter__": "with {}:",
    "__str__": "str({})",
}


def page() -> str:
    """Return the whole page."""
    sections = [HEAD]
    for title, name, kind in CLASSES:
        sections.append(f"## {title}\n\n{text_of(kind)}\n")
        sections += [section(written, one) for written, one in methods(name, kind)]
    sections += [RNG, f"## `grader.checking.inputs`\n\n{text_of(inputs)}\n"]
    for name, one in inspect.getmembers(inputs, inspect.isfunction):
        if not name.startswith("_") and one.__module__ == inputs.__name__:
            sections.append(section(f"{name}{signature(one)}", one))
    return "\n".join(sections)


def methods(name: str, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield how each public method of a class is written, and the method, if it has a docstring."""
    for method, one in vars(kind).items():
        if not inspect.isfunction(one) or not one.__doc__:
            continue
        if method in SPECIAL:
            yield SPECIAL[method].format(name, signature(one)), one
        elif not method.startswith("_") and method not in INNER:
            yield f"{name}.{method}{signature(one)}", one


def signature(function: Callable[..., Any]) -> str:
    """Return a function's parameters with their defaults, without types and without `self`."""
    found = inspect.signature(function)
    plain = [
        one.replace(annotation=inspect.Parameter.empty)
        for name, one in found.parameters.items()
        if name != "self"
    ]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def section(written: str, one: Callable[..., Any]) -> str:
    """Return the section of a method or function."""
    return f"### `{written}`\n\n{text_of(one)}\n"


def text_of(one: Any) -> str:
    """Return a docstring as Markdown: its example as a block of code."""
    text = inspect.getdoc(one) or ""
    said, _, example = text.partition("Example:\n")
    said = re.sub(r"``([^`]+)``", r"`\1`", said.rstrip())
    said = re.sub(
        r"\n\n((?: {4}.*\n?|\n)+)",
        lambda code: f"\n\n```text\n{inspect.cleandoc(code[1])}\n```\n",
        said,
    )
    if not example:
        return said.rstrip()
    return f"{said.rstrip()}\n\n```text\n{inspect.cleandoc(example)}\n```"


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(page(), encoding="utf-8")
