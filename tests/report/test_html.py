"""``report.html`` as text: what stands in it, for whom, and how large it is. What it does is
`test_browser`'s.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from grader.error_map import classify
from grader.model import CaseResult, Comparison, Status
from grader.report import Audience, html_report, labels

from . import samples

SOURCES = {"cs231n/rnn_layers.py": samples.SOURCE}


def _page(report: object, audience: Audience = Audience.STUDENT, **more: object) -> str:
    return html_report.render(report, audience=audience, sources=SOURCES, **more)  # type: ignore[arg-type]


def _text(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_score_stands_at_the_top_and_in_the_title() -> None:
    page = _page(samples.mixed())
    assert "<title>48.5 / 100 · submission-2 · " in page
    assert page.index("48.5") < page.index("Fix this first") < page.index("rnn_step_backward")


def test_an_instructor_is_told_near_the_top_that_the_seed_is_public() -> None:
    told = "Seed: public (its answers are in the handout)."
    report = msgspec.structs.replace(samples.mixed(), seed="public")
    page = _page(report, Audience.INSTRUCTOR)
    assert page.index(told) < page.index("Fix this first")
    assert told not in _page(report, Audience.STUDENT)
    assert told not in _page(msgspec.structs.replace(report, practice=True), Audience.INSTRUCTOR)
    assert told not in _page(samples.mixed(), Audience.INSTRUCTOR)


def test_what_to_fix_first_is_what_most_others_build_on() -> None:
    assert labels.first_to_fix(samples.passing()) is None
    assert getattr(labels.first_to_fix(samples.template()), "id", "") == "rnn_step_forward"
    assert getattr(labels.first_to_fix(samples.mixed()), "id", "") == "rnn_step_backward"


def test_a_check_that_builds_on_itself_does_not_hang_the_page() -> None:
    report = samples.mixed()
    checks = tuple(
        msgspec.structs.replace(c, requires=tuple(o.id for o in report.checks))
        for c in report.checks
    )
    assert labels.first_to_fix(msgspec.structs.replace(report, checks=checks)) is not None


def test_each_verdict_is_told_in_words() -> None:
    text = _text(_page(samples.mixed()))
    for word in ("passed", "partly passed", "failed", "skipped"):
        assert word in text
    assert "not graded" in _text(_page(samples.faulty()))
    assert "Not a mark yet." in _text(_page(samples.faulty()))


def test_an_unsandboxed_run_says_so() -> None:
    assert "Practice run, not sandboxed." in _page(samples.template())
    assert "Practice run" not in _page(samples.passing())


def test_shape_dtype_errors_and_places_are_told() -> None:
    text = _text(_page(samples.mixed()))
    assert "array of float64, shape (1, 12) expected array of float64, shape (12,)" in text
    assert "24 of 96 0.31 relative 0.05 absolute [0, 3]" in text
    assert "gives exactly these numbers: the state of the step before is not passed on" in text
    assert "wrong only from hidden 3 to 5" in text
    assert "right up to time 0, wrong from 1 on" in text


def test_the_student_s_function_stands_there_with_the_raising_line_marked() -> None:
    page = _page(samples.mixed())
    line = re.search(
        r'<span class="line hit"><span class="no">24</span>(.*?)</span>\s*<span class="line"',
        page,
        re.DOTALL,
    )
    assert line is not None
    assert "raised here" in line[1]


def test_nothing_of_a_hidden_check_stands_in_a_student_s_page() -> None:
    student, instructor = _page(samples.mixed()), _page(samples.mixed(), Audience.INSTRUCTOR)
    assert "secret" not in student.lower()
    assert "12 / 20" in student
    for detail in ("SECRET title", "SECRET message", "SECRET hint", "secret_id"):
        assert detail in instructor


def test_points_of_hidden_checks_in_the_box_count_among_those_that_rest_on_it() -> None:
    report = samples.mixed()
    checks = []
    for check in report.checks:
        checks.append(msgspec.structs.replace(check, in_box=True))
    report = msgspec.structs.replace(report, checks=tuple(checks))
    most = sum(check.max_points for check in report.checks)
    assert f"/ {most:g} points rest on checks that ran in the" in _text(_page(report))


def test_nothing_that_acts_stands_in_a_hostile_page() -> None:
    page = html_report.render(
        samples.hostile(), audience=Audience.INSTRUCTOR, sources=samples.hostile_sources(),
        notebooks={"hostile.ipynb": samples.hostile_notebook(), samples.XSS[0]: samples.hostile_notebook()},
    )  # fmt: skip
    page.encode()  # no half of a surrogate pair is left
    for tag, attributes in Tags(page).found:
        assert tag not in (
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "base",
            "link",
            "video",
            "audio",
            "template",
        )
        assert not [
            name
            for name in attributes
            if name.startswith("on") or name in ("style", "srcset", "formaction")
        ]
        assert re.match(
            r"data:image/(png|jpeg|svg\+xml);base64,[A-Za-z0-9+/=]+$",
            attributes.get("src") or "data:image/png;base64,x",
        )
        assert re.match(r"#|https?://", attributes.get("href") or "#")
    assert sum(tag == "style" for tag, _ in Tags(page).found) == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_the_policy_allows_our_style_by_its_hash_and_no_script() -> None:
    page = _page(samples.passing())
    policy = next(
        a["content"] or ""
        for tag, a in Tags(page).found
        if a.get("http-equiv") == "Content-Security-Policy"
    )
    css = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert css is not None
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_links_and_anchors_of_the_page_meet() -> None:
    page = _page(samples.mixed(), notebooks={"RNN_Captioning.ipynb": samples.notebook(broken=True)})
    tags = Tags(page).found
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for _, a in tags if (a.get("href") or "").startswith("#")} <= {
        f"#{anchor}" for anchor in ids
    }


def test_a_case_that_only_follows_from_an_earlier_mistake_says_so() -> None:
    text = _text(_page(samples.mixed()))
    assert "Right, given the mistake in rnn_backward , hidden_1 : it costs no points here." in text


def _opened(page: str) -> list[str]:
    return [
        a["id"] or ""
        for tag, a in Tags(page).found
        if tag == "details" and "open" in a and "check" in (a["class"] or "").split()
    ]


def test_what_builds_on_a_failed_check_stays_folded() -> None:
    opened = _opened(_page(samples.mixed()))
    assert "check-rnn_step_backward" in opened
    assert "check-rnn_backward" not in opened  # it builds on that one


def test_an_error_that_stops_many_checks_is_told_at_length_once() -> None:
    report = samples.mixed()
    raised = next(check for check in report.checks if check.id == "rnn_backward")
    same = [
        msgspec.structs.replace(raised, id=name, requires=())
        for name in ("first", "second", "third")
    ]
    page = _page(msgspec.structs.replace(report, checks=tuple(same)))
    assert _opened(page) == ["check-first"]
    assert page.count("raised here") == 1
    assert _text(page).count("the same error as in first") == 2
    assert "2 more checks stop at the same error" in page


def test_a_check_that_lost_no_points_by_an_earlier_mistake_is_told_apart() -> None:
    report = samples.mixed()
    last = report.checks[-1]
    whole = msgspec.structs.replace(last, points=last.max_points)
    page = _page(msgspec.structs.replace(report, checks=(*report.checks[:-1], whole)))
    assert "1 right itself" in _text(page)
    assert f"check-{last.id}" not in _opened(page)
    assert "right, given the mistake in <code>rnn_backward</code>" in page


def test_an_array_that_is_wrong_all_over_needs_no_picture() -> None:
    report = samples.mixed()
    wrong = np.ones((4, 4))
    value = Comparison(
        "dx", False, error_map=classify(wrong, wrong > 0, 1.0, ("N batch", "D input"))
    )
    check = msgspec.structs.replace(
        report.checks[1], cases=(CaseResult("c", Status.FAIL, "m", values=(value,)),)
    )
    page = _page(msgspec.structs.replace(report, checks=(check,)))
    assert "dx is wrong everywhere: each entry is further off." in _text(page).replace(
        " dx  ", " dx "
    )
    assert "data:image/svg" not in page


def test_a_stub_is_told_in_the_row_and_shows_no_source() -> None:
    page = _page(samples.template())
    assert "Where to start" in page
    assert 'class="source"' not in page
    assert not re.search(r'<details class="check [^>]*open', page)


def test_the_same_report_gives_the_same_bytes() -> None:
    make = {"RNN_Captioning.ipynb": samples.notebook(broken=True)}
    assert _page(samples.mixed(), notebooks=make) == _page(samples.mixed(), notebooks=make)


def test_a_usual_report_is_small_and_the_largest_stays_under_five_megabytes() -> None:
    assert (
        len(_page(samples.mixed(), notebooks={"n.ipynb": samples.notebook(broken=True)}).encode())
        < 500_000
    )
    assert (
        len(
            _page(
                samples.mixed(),
                notebooks={"a": samples.huge_notebook(), "b": samples.huge_notebook()},
            ).encode()
        )
        < 5_000_000
    )


def test_a_check_that_prints_without_end_in_every_case_stays_small() -> None:
    report = samples.mixed()
    cases = tuple(
        CaseResult(
            f"c{n}", Status.FAIL, "m" * 3_000, trace="<" * 50_000, output=f"{n}" + "&" * 50_000
        )
        for n in range(40)
    )
    checks = tuple(msgspec.structs.replace(check, cases=cases) for check in report.checks)
    assert len(_page(msgspec.structs.replace(report, checks=checks)).encode()) < 5_000_000


@pytest.mark.parametrize("module", ["json_report", "junit_report", "html_report", "terminal"])
def test_importing_a_renderer_is_cheap(module: str) -> None:
    heavy = (
        "jinja2",
        "matplotlib",
        "pygments",
        "nh3",
        "mistune",
        "nbconvert",
        "nbformat",
        "numpy",
        "latex2mathml",
    )
    code = f"import sys, grader.report.{module}; print([n for n in {heavy!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_what_people_gave_is_drawn_and_names_no_hidden_check_to_students() -> None:
    page = _page(samples.mixed())
    assert "<strong>gradient</strong>" in page
    assert "<em>chapter 10</em>" in page
    assert "1.5 / 2" in _text(page)
    assert "secret_id" not in page
    assert "hidden_1" in page
    assert "as <code>secret_id</code> said" in _page(samples.mixed(), audience=Audience.INSTRUCTOR)
