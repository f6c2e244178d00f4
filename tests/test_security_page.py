"""docs/security.md: the tests, walks and submissions that it names exist, and its numbers are true."""

from __future__ import annotations

import importlib
import importlib.util
import re

from documentation import DOCS, ROOT

from grader.checking.api import cell_tests, held_values, notebook
from grader.checking.case import call_log, callbacks
from grader.checking.judge import judgements, up_to
from grader.checking.run import fatal_search, fatal_statements, remote
from grader.classroom.similar import similarity
from grader.grading.intake.submitted_files import IntakeLimits
from grader.limits import Limits
from grader.notebooks import recovery
from grader.report.markup import conversion_clock
from grader.sandbox import untrusted, wire, wire_outputs
from grader.sandbox.inside.walls import warden

_NAMED_TEST = re.compile(r"`(?:tests/)?(?:[\w/]+/)?(test_\w+)(\.py)?`")


def test_every_test_that_holds_a_sentence_of_security_exists() -> None:
    """A test stands in one of the files that are named on the same line."""
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    files = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}
    named = 0
    for line in text.splitlines():
        found = _NAMED_TEST.findall(line)
        written = ""
        for name, is_file in found:
            if is_file:
                assert f"{name}.py" in files, name
                written += files[f"{name}.py"].read_text(encoding="utf-8")
        for name, is_file in found:
            assert is_file or f"def {name}(" in written, f"{name} is in no file of the line: {line}"
        named += len(found)
    assert named > 60


def test_everything_else_that_security_names_exists() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:grader|tests)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
    groups = {path.name for path in (ROOT / "tests" / "submissions").iterdir()}
    for group, name in re.findall(r"`(\w+)/([\w*]+)`", text):
        if group in groups:
            assert list((ROOT / "tests" / "submissions" / group).glob(name)), f"{group}/{name}"
    walks = text.partition("## Every walk")[2].partition("\n## ")[0]
    names: list[str] = []
    for line in walks.splitlines():
        if line.startswith("| `"):
            names += re.findall(r"`([\w.]+)`", line.split("|")[1])
    assert len(names) > 20
    for name in names:
        assert attribute_of(f"grader.{name}") is not None, name


def test_the_numbers_that_security_names_are_those_of_the_code() -> None:
    text = " ".join((DOCS / "security.md").read_text(encoding="utf-8").split())
    mib, intake = 1 << 20, IntakeLimits()
    bounds = {
        f"{intake.max_bytes // mib} MiB, {intake.max_entries:,} entries, {intake.max_depth} folders deep,"
        f" {intake.max_ratio} times its own size": 1,
        "an answer may have four times that and 64 KB": (call_log.TIMES, call_log.SPARE)
        == (4, 64 << 10),
        f"`callbacks` of a case ({Limits().callbacks:,} by default), {callbacks.MOST_NESTED} within one another,"
        f" {callbacks.MOST_BYTES // mib} MB each": 1,
        "there are three at most, and a fourth": (notebook.MAX_RUNS, notebook.MORE_RUNS) == (3, 1),
        "at most three of them": fatal_statements.MOST_LEFT_OUT == 3,
        "within three times `import_seconds`": fatal_search.TIMES_IMPORT_SECONDS == 3,
        f"{wire.MAX_JSON // mib} MB of JSON; {wire.MAX_BLOBS:,} arrays, of {wire.MAX_BYTES // mib} MB": 1,
        f"{wire.MAX_PARSED // mib} MB of memory by the brackets": 1,
        f"{wire.MAX_NODES:,} values, {wire.RETURNED_DEPTH} levels": 1,
        f"{untrusted.LIVE_BYTES // mib} MB for all values of a submission": 1,
        f"{cell_tests.MOST_IN_SET:,} items": 1,
        "a value 16 times as heavy as the recorded one, and 1 MB or 4,096 values": (
            mib == held_values.HEAVY and held_values.HEAVY // held_values.VALUE_WEIGHT == 4096
        ),
        "four times the reference's text and 20,000 characters": (
            (judgements.PRINTED_TIMES, judgements.PRINTED_SPARE) == (4, 20_000)
        ),
        f"of a call, {remote.PRINTED_CHARACTERS:,} of a case": 1,
        f"with {wire_outputs.MESSAGE_BYTES} bytes for a message; {wire_outputs.MAX_UPDATES} updates": 1,
        f"{wire_outputs.MOST_UNASKED // mib} MB of what is not kept": 1,
        f"{recovery.MAX_OBJECTS:,} objects, {recovery.MAX_ITEMS // 1_000_000} million items,"
        f" {recovery.MAX_CELLS:,} cells": 1,
        "20 million numbers of rows that are held against each other; 300 items": (
            (up_to.MOST_PAIRS, up_to.MOST_LEFT) == (20_000_000, 300)
        ),
        f"{similarity.SOURCE_LIMIT:,} characters of a file; two blank lines": (
            similarity.BLANK_LINES == 2
        ),
        "a page has one second of CPU time for conversions in its own process": (
            conversion_clock.HERE_SECONDS == 1
        ),
        "after six seconds in all": conversion_clock.APART_SECONDS == 6,
        f"`nice` {warden.NICENESS}": 1,
    }
    for sentence, is_true in bounds.items():
        assert sentence in text, sentence
        assert is_true, sentence


def attribute_of(name: str) -> object:
    """Return the module, class or function of a dotted name, or None if there is none."""
    found: object = None
    module = ""
    for part in name.split("."):
        module = f"{module}.{part}".removeprefix(".")
        inner = getattr(found, part, None)
        if inner is None and importlib.util.find_spec(module) is not None:
            inner = importlib.import_module(module)
        if inner is None:
            return None
        found = inner
    return found
