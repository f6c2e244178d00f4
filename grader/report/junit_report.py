"""``junit.xml``: a test suite per check, a test case per case, points as properties of the suite.

It is valid by the schema that Jenkins uses for such files (junit-10.xsd), in which a test case has
no properties.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from grader.model import CaseResult, CheckResult, Report, Status
from grader.report import labels

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LIMIT = 20_000


def render(report: Report) -> bytes:
    """Return the whole report as JUnit XML, for instructors and CI: it holds hidden checks too."""
    root = ET.Element("testsuites", name=_xml(report.assignment), time=f"{report.seconds:.3f}")
    cases: list[CaseResult] = []
    for check in report.checks:
        cases += _suite(root, check, report)
    for name, count in _counts(cases).items():
        if name != "skipped":  # no attribute of the whole
            root.set(name, str(count))
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _suite(root: ET.Element, check: CheckResult, report: Report) -> list[CaseResult]:
    """Add a check as a suite and return its cases; a verdict that no case has gets its own."""
    cases = list(check.cases)
    if not check.not_passed and (check.status is not Status.PASS or not cases):
        cases.append(CaseResult(check.id, check.status, check.message, check.seconds))
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_xml(check.id),
        timestamp=_xml(report.started),
        time=f"{check.seconds:.3f}",
    )
    for name, count in _counts(cases).items():
        suite.set(name, str(count))
    told = _properties(
        suite,
        {
            "title": check.title,
            "question": check.question,
            "points": labels.points(check.points),
            "max_points": labels.points(check.max_points),
            "status": check.status.value,
            "visibility": check.visibility.value,
            "submission": report.submission,
            "isolation": report.isolation.value,
            "score": labels.points(report.score),
            "max_score": labels.points(report.max_score),
        },
    )
    passed = others = 0.0
    for case in cases:
        if case.status is Status.PASS:
            passed += case.weight
        else:
            others += case.weight
    share = check.max_points / (passed + others)  # of a case of weight 1
    # The cases' points sum to the check's, even if it gives more than its passed cases do
    # (follow-through), or less.
    each = min(share, check.points / passed) if passed else 0.0
    rest = (check.points - each * passed) / others if others else 0.0
    for number, case in enumerate(cases, start=1):
        worth = each if case.status is Status.PASS else rest
        _property(told, f"points of case {number}", f"{worth * case.weight:.6g}")
        _property(told, f"max_points of case {number}", f"{share * case.weight:.6g}")
        _testcase(suite, check, case)
    return cases


def _testcase(suite: ET.Element, check: CheckResult, case: CaseResult) -> None:
    """Add one case with its verdict, trace and output."""
    element = ET.SubElement(
        suite,
        "testcase",
        classname=_xml(f"{check.question}.{check.id}"),
        name=_xml(case.id),
        time=f"{case.seconds:.3f}",
    )
    message = case.message or check.message
    if case.status is not Status.PASS:
        tag = {Status.FAIL: "failure", Status.ERROR: "error", Status.SKIP: "skipped"}[case.status]
        problem = ET.SubElement(element, tag, message=_xml(labels.first_line(message)))
        if tag != "skipped":
            problem.set("type", case.status.value)
        hint = f"Hint: {check.hint}" if check.hint else ""
        problem.text = _xml("\n\n".join(filter(None, (message, hint, case.trace))))
    if case.output:
        ET.SubElement(element, "system-out").text = _xml(case.output)


def _properties(parent: ET.Element, values: dict[str, str]) -> ET.Element:
    """Add a list of properties and return it."""
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        _property(properties, name, value)
    return properties


def _property(properties: ET.Element, name: str, value: str) -> None:
    ET.SubElement(properties, "property", name=_xml(name), value=_xml(value))


def _counts(cases: list[CaseResult]) -> dict[str, int]:
    """Return the counts that viewers of JUnit files show."""
    counted = [case.status for case in cases]
    return {
        "tests": len(counted),
        "failures": counted.count(Status.FAIL),
        "errors": counted.count(Status.ERROR),
        "skipped": counted.count(Status.SKIP),
    }


def _xml(text: str) -> str:
    """Return text that XML 1.0 can hold, cut to a bound."""
    cut = text if len(text) <= _LIMIT else text[:_LIMIT] + " …"
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", cut)
