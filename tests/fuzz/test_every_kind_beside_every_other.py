"""A value of any kind where another was expected: it is judged and explained, and nothing raises."""

from __future__ import annotations

import pytest
from fuzz_pages import RECORDED, SPECIAL

from grader.assignment.expectations import CaseRecord
from grader.checking.explain.diagnosis import diagnose, fitting
from grader.checking.explain.evidence import Evidence
from grader.checking.judge.compare import compare
from grader.checking.judge.got import Got
from grader.model import Tolerance

KINDS = RECORDED | SPECIAL


@pytest.mark.parametrize("expected", KINDS)
def test_any_value_is_judged_and_explained_where_another_was_expected(expected: str) -> None:
    want = KINDS[expected]
    for name, value in KINDS.items():
        wrong = not all(found.ok for found in compare("y", want, value, Tolerance()))
        assert wrong or name == expected or (name, expected) == ("count", "small"), name
        # beside one that is right, so that sentences about one value alone are asked for
        record = CaseRecord({"y": (want, Tolerance()), "right": (want, Tolerance())})
        told = Evidence("case", {"y": Got(value, ()), "right": Got(want, ())}, record)
        hint = diagnose([told], list(fitting("f", [told], None).values())).hint
        assert isinstance(hint, str)
        alone = "Of what is compared, `y` alone is wrong" in hint
        assert alone <= wrong, name
