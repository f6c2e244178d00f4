"""From a frame to the report's page as one: whatever a box says is judged, explained, scored,
written and read again.

The box of `OnceBox` says its bytes. They answer a call or a fetch of a case, on which every
judgement of `expect` is tried, or they are what a notebook's cell says. Only our own errors come
out; every file that is written can be read by a strict reader, and what was stored makes the same
pages again.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import struct
import xml.etree.ElementTree as ET  # what it reads is our own
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

import msgspec
import nbformat
import numpy as np
import pandas as pd
from fuzz_once import SECONDS, OnceSandbox
from rich.console import Console
from scipy.sparse import coo_array

from grader.assignment.expectations import CallShape, CaseRecord, Expectations, Provenance
from grader.assignment.schema import CheckSpec
from grader.checking.api.cell_tests import recordable
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode, Scene
from grader.checking.api.numerical_gradients import gradients
from grader.checking.api.value import Value
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.cells.cell_runs import Clock, Ran, run_cells
from grader.checking.explain.diagnosis import (
    KnownMistakes,
    Mistake,
    answers,
    diagnose,
    fitting,
    resembles,
)
from grader.checking.explain.evidence import Evidence
from grader.checking.run.remote import Remote
from grader.checking.run.verdicts import CheckOutcome, Ending, verdict
from grader.errors import SubmissionFailed, WrongReturn
from grader.grading.grade import Graded
from grader.grading.outputs import contents
from grader.grading.scoring import score_check
from grader.limits import Limits
from grader.model import REPORT_SCHEMA, CaseResult, CheckResult, Report, Status, Tier, Tolerance
from grader.report import terminal
from grader.sandbox.box import Staging
from grader.sandbox.wire_types import Member

# stand between the text and the blobs of a frame, and between frames
BETWEEN, NEXT = b"\0\xff", b"\0\xfe"
CHECK, NAME = CheckSpec(id="f", question="q", points=3.0), "a.ipynb"
RECORDED: dict[str, Any] = {
    "floats": np.linspace(-1.0, 1.0, 6).reshape(2, 3), "long": np.arange(16.0), "none": np.zeros((0, 3)),
    "whole": np.arange(4), "yes": np.array([True, False]), "waves": np.array([1j, 2 + 1j]), "number": 0.5, "count": 3,
    "truth": True, "text": "a b\n1.5", "nothing": None, "pair": (1.0, np.ones(2)), "list": [1, [2.0, "x"]],
    "dict": {"a": np.ones(2), "b": {"c": 1}}, "infinite": np.array([np.inf, 1.0]), "small": np.float32(3),
}  # fmt: skip
SPECIAL: dict[str, Any] = {  # held once each, as what a comparison of its own is for
    "date": date(2024, 2, 29), "moment": datetime(2024, 2, 29, tzinfo=UTC), "duration": timedelta(3), "time": time(3),
    "dates": np.array(["2024-01-01"], "M8[D]"), "fraction": Fraction(1, 3), "decimal": Decimal("1.5"), "big": 2**70,
    "days": np.array([1, 2], "m8[D]"), "day": [np.timedelta64(1, "D")],
    "set": {1.5, "a"}, "range": range(3), "bytes": b"ab", "member": Member("Color", "RED", "work"), "keys": {1: 2.0},
    "records": np.array([(1, 0.5)], [("a", "i8"), ("b", "f8")]), "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
    "table": pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]}), "series": pd.Series([1, 2], name="s"), "gone": pd.NaT,
    "levels": pd.Series([1.0], pd.MultiIndex.from_tuples([(1, "a")])), "sparse": coo_array(np.eye(2)),
}  # fmt: skip
SIZE = 8 << 10  # of what the reference is said to have returned
MOST_WRITTEN = 4 << 20  # bytes of all files of one case


def record() -> CaseRecord:
    """Return what is said to have been recorded."""
    values = {name: (value, Tolerance()) for name, value in RECORDED.items()}
    values |= {name: (value, Tolerance()) for name, value in SPECIAL.items()}
    values["printed text"] = ("a 1.5\nb", Tolerance())
    return CaseRecord(
        values, [CallShape("f", sequence, count, SIZE) for sequence, count in ((True, 2),)], [SIZE]
    )


def pages(data: bytes) -> str:
    """What a box says to a call, a fetch or a cell, all the way to the pages; the first byte picks
    which.
    """
    if not data:
        return "nothing"
    hidden = bool(data[0] & 128)
    limits = Limits(
        call_seconds=SECONDS, import_seconds=SECONDS, cell_seconds=SECONDS, output_mb=0.1
    )
    with Remote(
        OnceSandbox(framed(data[1:])), Staging({}, {}), limits, hide_numbers=hidden
    ) as remote:
        return notebook(remote, limits) if data[0] & 64 else case(remote, data[0])


def framed(data: bytes) -> bytes:
    """Return frames of any JSON texts and blobs, so that not every change of a byte only breaks a
    length.
    """
    frames = []
    for one in data.split(NEXT):
        text, *blobs = one.split(BETWEEN)
        sizes = struct.pack(f"!{len(blobs)}Q", *map(len, blobs))
        frames.append(b"".join((struct.pack("!II", len(text), len(blobs)), sizes, text, *blobs)))
    return b"".join(frames)


def case(remote: Remote, kind: int) -> str:
    """Run one case on what comes, and write its report."""
    recorded = record()
    # what was recorded of one value alone, so that it is not refused for want of another
    if kind & 2:
        recorded.calls[0] = CallShape("f", False, 1, SIZE)
    own = Case(remote, CallLog(recorded.calls, recorded.fetched))
    expect = Expect(recorded, Mode.COMPARE, own, Scene("7", shown=not kind & 128))
    student, error = Value(own, [["name", "f"]], "f"), None
    try:
        judged(student.part.fetch() if kind & 1 else student(np.ones(2)), expect)
    except SubmissionFailed as failure:
        error = failure
    ending = Ending("one", 0.1, error, remote.printed, tuple(own.notes), function="f")
    result = verdict(ending, expect)
    assert result.status is not Status.ERROR, result.message
    given = [call.args for call in own.log.calls]
    evidence = Evidence("one", expect.got, recorded, result.status is Status.PASS, given)
    outcome = CheckOutcome("f", "A title", [result], functions=("f",))
    known = KnownMistakes(
        "", {"m": answers(observed(recorded))}, {"m": Mistake("a mistake", "a hint", 0.5)}
    )
    outcome.mistake = diagnose([evidence], list(fitting("f", [evidence], known).values()))
    outcome.attempted = resembles([evidence])
    written(
        Graded(
            report(score_check(CHECK, outcome)), {}, {"work.py": "def f(x):\n    return x\n" * 2}
        )
    )
    return f"{result.status.value}, {type(error).__name__}"


def _as_it_is(value: Any) -> Any:
    """Return a value unchanged, as an author's function for `up_to` may."""
    return value


# the judgements that leave something free, or ask for the very kind
FREE: tuple[Callable[[Expect, str, Any], object], ...] = (
    lambda expect, name, value: expect(name, value, up_to="sign"),
    lambda expect, name, value: expect(name, value, up_to="permutation"),
    lambda expect, name, value: expect(name, value, up_to=_as_it_is),
    lambda expect, name, value: expect(name, value, kind="exact", floats=True),
    lambda expect, name, value: expect.unordered(name, value),
)


def judged(value: Any, expect: Expect) -> None:
    """Hold a value, each part of it if it is a tuple, against all that is recorded, in every way
    there is.
    """
    for name in RECORDED:
        expect(name, value, axes=("N batch", "T time"), gradient=True)
    for name in SPECIAL:
        expect(name, value)
    record_of = expect.record.values
    for name in ("floats", "whole", "waves", "pair", "text", "set", "table"):
        for number, free in enumerate(FREE):
            record_of[f"{name} {number}"] = record_of[name]
            free(expect, f"{name} {number}", value)
    expect.quality("estimate", value, near=np.zeros((2, 3)), standard_error=np.ones((2, 3)))
    for index, part in enumerate([value, *value[:3]] if type(value) in (tuple, list) else [value]):
        for name, (right, tolerance) in [*record_of.items()][: len(RECORDED)]:
            for way in ("", "or ", "at "):
                record_of[f"{way}{name}{index}"] = right, tolerance
            expect(f"{name}{index}", part, rtol=1e-3)
            expect.one_of(f"or {name}{index}", part, [np.zeros(3), "x", None])
            expect(f"at {name}{index}", part, where=np.array([True, False]))
        for name in SPECIAL:
            record_of[f"{name}{index}"] = record_of[name]
            expect(f"{name}{index}", part)
        expect.quality(f"quality {index}", part, at_least=0.5, at_most=2, what="a share")
        recordable(part)
        differentiated(part)
    expect.printed()
    expect.not_modified()


def differentiated(value: Any) -> None:
    """Let a value be what a function returns whose slopes are wanted; only our own errors come of
    it.
    """
    for upstream in (np.ones(()), np.ones((2, 3)), (np.ones(()),)):
        with contextlib.suppress(WrongReturn):
            gradients(lambda x: value, [np.ones(1)], upstream, ["x"])


def observed(recorded: CaseRecord) -> Expectations:
    """Return the recorded values as those of a known mistake."""
    return Expectations(Provenance(2, "7", "", "", {}), {("f", "one"): recorded})


def notebook(remote: Remote, limits: Limits) -> str:
    """Run a notebook of one cell, and write its report."""
    cells = [nbformat.v4.new_code_cell("f()", id="one")]
    executed = nbformat.v4.new_notebook(cells=cells)
    ran = asyncio.run(run_cells(executed, remote, Clock(limits), Ran(), frozenset({"f"})))
    failure = next((trouble.error for trouble in ran.troubles.values()), None)
    message = "" if failure is None else str(failure)
    result = CaseResult("all", Status.PASS if failure is None else Status.FAIL, message)
    check = score_check(
        msgspec.structs.replace(CHECK, notebook=NAME), CheckOutcome("f", "A title", [result])
    )
    written(Graded(report(check, NAME), {NAME: executed}, {}))
    return f"{len(executed.cells[0].outputs)} outputs, {type(failure).__name__}"


def report(check: CheckResult, *notebooks: str) -> Report:
    """Return a report of one check."""
    return Report(
        REPORT_SCHEMA, "toy", "A toy", "work", check.points, 3.0, Tier.NONE, 0.1, "2016-01-01T00:00:00Z", (), (check,),
        ("a note",), "hidden", notebooks,
    )  # fmt: skip


def written(graded: Graded) -> None:
    """Write all files and lines of a report, and fail unless strict readers take them and make the
    same of them.
    """
    files = contents(graded, students_page=True)
    assert sum(map(len, files.values())) < MOST_WRITTEN
    for name, data in files.items():
        text = data.decode("utf-8")
        if name.endswith((".json", ".ipynb")):
            json.loads(text, parse_constant=no_json)
            msgspec.json.decode(data)
        elif name.endswith(".xml"):
            ET.fromstring(text)
    console = Console(file=io.StringIO(), width=80)
    for check in graded.report.checks:
        console.print(terminal.check_line(check))
    console.print(terminal.summary(graded.report))
    stored = msgspec.json.decode(files["report.json"], type=Report)
    nodes = {
        name: nbformat.from_dict(msgspec.json.decode(files[f"notebooks/{name}"]))
        for name in graded.notebooks
    }
    assert contents(Graded(stored, nodes, graded.sources), students_page=True) == files


def no_json(word: str) -> NoReturn:
    """Fail on NaN and the infinities."""
    raise AssertionError(f"{word} is no JSON")
