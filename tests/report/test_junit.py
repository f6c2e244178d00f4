"""``junit.xml``: what the usual viewers read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import msgspec
import pytest

from grader.model import Report, Status
from grader.report import junit_report

from . import samples


def _properties(element: ET.Element) -> dict[str, str]:
    return {p.get("name", ""): p.get("value", "") for p in element.findall("properties/property")}


def _of_cases(suite: ET.Element) -> tuple[list[float], list[float]]:
    told = _properties(suite)
    numbers = range(1, len(suite.findall("testcase")) + 1)
    points = [float(told[f"points of case {number}"]) for number in numbers]
    return points, [float(told[f"max_points of case {number}"]) for number in numbers]


# What Jenkins's schema allows: attributes, with a star if required, and the elements within.
COUNTS = {"tests", "failures", "errors"}
PROBLEM = ({"type", "message"}, set[str]())
SCHEMA = {
    "testsuites": ({"name", "time", *COUNTS}, {"testsuite"}),
    "testsuite": ({"name", "time", "skipped", "timestamp", *COUNTS}, {"properties", "testcase"}),
    "testcase": ({"name", "time", "classname"}, {"skipped", "error", "failure", "system-out"}),
    "properties": (set[str](), {"property"}),
    "property": ({"name", "value"}, set[str]()),
    "failure": PROBLEM, "error": PROBLEM, "skipped": PROBLEM, "system-out": (set[str](), set[str]()),
}  # fmt: skip


@pytest.mark.parametrize("make", [samples.mixed, samples.faulty, samples.hostile])
def test_it_is_valid_by_the_schema_of_jenkins(make: Callable[[], Report]) -> None:
    for element in ET.fromstring(junit_report.render(make())).iter():
        attributes, children = SCHEMA[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
        if element.tag in ("testsuite", "testcase", "property"):
            assert "name" in element.attrib
        if element.tag == "testsuite":
            assert set(element.attrib) >= COUNTS
        if element.tag in ("testsuite", "testsuites"):
            assert re.fullmatch(r"\d{1,6}\.\d{3}", element.get("time", ""))


def test_there_is_a_test_case_for_each_case_and_the_counts_add_up() -> None:
    report = samples.mixed()
    root = ET.fromstring(junit_report.render(report))
    cases = root.findall("testsuite/testcase")
    assert (
        len(cases)
        == sum(len(check.cases) or 1 for check in report.checks)
        == int(root.get("tests", ""))
    )
    assert len(root.findall(".//failure")) == int(root.get("failures", "")) == 14
    assert (
        len(root.findall(".//skipped")) == sum(int(suite.get("skipped", "")) for suite in root) == 1
    )
    assert root.get("errors") == "0"


def test_points_stand_as_properties_and_the_cases_points_sum_to_the_check_s() -> None:
    report = samples.mixed()
    for suite, check in zip(
        ET.fromstring(junit_report.render(report)).findall("testsuite"), report.checks, strict=True
    ):
        assert _properties(suite)["max_points"] == f"{check.max_points:g}"
        points, most = _of_cases(suite)
        assert sum(points) == pytest.approx(check.points)
        assert sum(most) == pytest.approx(check.max_points)


def test_a_heavier_case_has_more_of_the_points() -> None:
    report = samples.mixed()
    check = next(
        check for check in report.checks if check.status is Status.PASS and len(check.cases) > 1
    )
    heavy = msgspec.structs.replace(check.cases[0], weight=float(len(check.cases)))
    check = msgspec.structs.replace(check, cases=(heavy, *check.cases[1:]))
    suite = ET.fromstring(junit_report.render(msgspec.structs.replace(report, checks=(check,))))[0]
    points, most = _of_cases(suite)
    assert points[0] == pytest.approx(len(check.cases) * points[1], rel=1e-5)
    assert points[0] == most[0]


def test_the_grader_s_own_fault_is_an_error_and_no_failure() -> None:
    root = ET.fromstring(junit_report.render(samples.faulty()))
    (broken,) = [
        suite for suite in root.findall("testsuite") if suite.find("testcase/error") is not None
    ]
    assert (broken.get("name"), broken.get("errors"), root.get("failures")) == (
        "rnn_backward",
        "1",
        "0",
    )


def test_hostile_text_stays_text() -> None:
    root = ET.fromstring(junit_report.render(samples.hostile()))
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped", "system-out",
    }  # fmt: skip
    assert "<script>" in "".join(element.get("name", "") for element in root.iter("testcase"))


def test_the_same_report_gives_the_same_bytes() -> None:
    assert junit_report.render(samples.hostile()) == junit_report.render(samples.hostile())
