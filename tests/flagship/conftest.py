"""The flagship, graded: submissions made from the reference by small changes of its text.

One `Grader` per assignment grades them all, as a batch does: a command per submission would start
Python and a sandbox anew for each.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from grader.assignment.expectations import Expectations
from grader.cli.check import exit_code
from grader.grading import outputs
from grader.grading.grade import Grader, Options

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"


class Change(NamedTuple):
    """A piece of a file's text and what stands there instead; the piece stands in it ``times``
    times.
    """

    file: str
    old: str
    new: str
    times: int = 1


class Graded(NamedTuple):
    """One submission, graded."""

    code: int
    report: dict[str, Any]
    folder: Path  # of the report's files

    @property
    def not_passed(self) -> set[str]:
        return {check["id"] for check in self.report["checks"] if check["status"] != "pass"}

    def message(self, check: str) -> str:
        return next(entry["message"] for entry in self.report["checks"] if entry["id"] == check)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a submission: the reference with changes."""

    def make(*changes: tuple) -> Path:
        folder = tmp_path_factory.mktemp("submission")
        for name in (LAYERS, RNN):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "solutions" / name, folder / name)
        for change in (Change(*change) for change in changes):
            path = folder / change.file
            text = path.read_text(encoding="utf-8")
            assert text.count(change.old) == change.times, (
                f"the reference no longer has {change.old!r}"
            )
            path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="session")
def stubbed() -> Callable[..., Path]:
    """Return a function that puts a stub in the place of every marked solution in files of a
    submission.
    """

    def stub(submission: Path, *names: str) -> Path:
        for name in names:
            text = (submission / name).read_text(encoding="utf-8")
            pattern = r"^( *)### BEGIN SOLUTION (.*?)\n.*?### END SOLUTION"
            text, count = re.subn(
                pattern, r'\1raise NotImplementedError("\2")', text, flags=re.MULTILINE | re.DOTALL
            )
            assert count
            (submission / name).write_text(text, encoding="utf-8")
        return submission

    return stub


@pytest.fixture(scope="session")
def graded(
    graders: Callable[[Path], Grader], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Graded]:
    """Return a function that grades a submission, given the options of ``grader check``, and writes
    its reports.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--assignment", type=Path, default=ROOT / "assignment")

    def grade(submission: Path, *arguments: str) -> Graded:
        options = parser.parse_args(arguments)
        grader = graders(options.assignment)
        grader.options = Options(only=frozenset(options.only))
        found = grader.grade(submission)
        out = tmp_path_factory.mktemp("out") / "report"
        outputs.write(found, out)
        return Graded(exit_code(found.report), json.loads((out / "report.json").read_bytes()), out)

    return grade


@pytest.fixture(scope="session")
def expected_numbers() -> Callable[[str, int], set[str]]:
    """Return a function that gives the expected numbers, of either seed, which stand in a text.

    A number of the text with at least ``digits`` significant digits is one, if an expectation
    rounds to it.
    """
    recorded = np.concatenate(list(map(np.ravel, all_recorded())))
    sizes = np.sort(np.abs(recorded[np.isfinite(recorded)]))

    def is_expected(value: float, digits: int) -> bool:
        """Tell whether an expectation has these digits, if it is rounded as the value is."""
        near = abs(value) * 2 * 10.0 ** (1 - digits)
        first, last = np.searchsorted(sizes, (abs(value) - near, abs(value) + near))
        text = f"{value:.{digits - 1}e}"
        return any(f"{size:.{digits - 1}e}" == text for size in sizes[first:last])

    def find(text: str, digits: int) -> set[str]:
        found = set()
        for token in re.findall(r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?", text, re.IGNORECASE):
            count = len(re.sub(r"e.*|\.", "", token.lower()).lstrip("0"))
            if digits <= count and is_expected(float(token), min(count, 17)):
                found.add(token)
        return found

    # the search finds what stands there
    assert find(f"it is {recorded[0]!r}".replace("np.float64(", ""), 4)
    return find


def all_recorded() -> Iterator[np.ndarray]:
    """Yield every array of floats that was recorded."""

    def floats(value: Any) -> Iterator[np.ndarray]:
        for item in (
            value.values()
            if isinstance(value, dict)
            else value
            if isinstance(value, list | tuple)
            else ()
        ):
            yield from floats(item)
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
            yield np.asarray(value, dtype=np.float64)

    for seed in ("public", "hidden"):
        for record in Expectations.read(
            ROOT / "assignment" / "expectations" / f"{seed}.h5"
        ).cases.values():
            for value, _ in record.values.values():
                yield from floats(value)
