"""Pages and actions as answers to requests. A name in a path is a token: it is looked up, and leads
to no file.

Theory of operation. `grader.desk.web.guard` has let a request through and says who asks. What is
printed is cleaned and escaped by the environment of `grader.report.templating`; what students wrote
has passed `grader.report.markup.sanitise`. The two kinds of pages that other rooms make, a report
and the class page, bring their own policy, which allows their style and script by hash; a report is
put into a sandbox besides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from importlib import resources
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from grader.classroom.exports import desk as exports
from grader.classroom.marks.decisions import CHECK_OF
from grader.classroom.run.results import SubmissionOutcome
from grader.desk import actions, live
from grader.desk.desk import Desk
from grader.desk.pages import grade_page, list_page, rendering, student_page
from grader.desk.snapshot import GradedStudent, Part
from grader.desk.view import View
from grader.desk.web.guard import MOST_BODY, POLICY
from grader.errors import GraderFault, Outdated, UsageError
from grader.report import templating
from grader.text import clean, counted

KEYS = (
    ("1 – 9", "choose an item of the rubric, or no longer"),
    ("0", "graded without an item: no points, or full points if items take away"),
    ("z", "the next one to grade"),
    ("j, k", "the next one, the one before; on a student's page, the next student"),
    ("c", "write a comment; Escape or Ctrl+Enter saves it"),
    ("p", "points for this one alone"),
    ("a", "a new item"),
    ("u", "undo your last action"),
    ("/", "search"),
    ("n", "show names, or hide them"),
    ("g", "the same for all of a group, or the same as before"),
    ("o", "the overview"),
    ("?", "these keys"),
)
STATES = (
    ("", "all"),
    ("left", "left to grade"),
    ("changed", "changed since"),
    ("graded", "graded"),
    ("requests", "with a request"),
    ("mixed", "given different points"),
)
FILTERS = ("state", "grader", "score", "section", "text")
STATIC = {
    "report.css": ("grader.report", "templates/report.css", "text/css"),
    "desk.css": ("grader.desk", "static/desk.css", "text/css"),
    "desk.js": ("grader.desk", "static/desk.js", "text/javascript"),
}
NAMES_COOKIE = "desk-names"
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation"
)
_META_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
JOURNAL_LINES = 400


class DeskPages:
    """The answers of one desk."""

    def __init__(self, desk: Desk, base: str, write: Callable[[], str]) -> None:
        """Keep the desk; ``base`` stands before all paths, ``write`` writes marks and pages and
        says so.
        """
        self.desk = desk
        self.base = base
        self.write = write
        self.renderer = rendering.AnswerRenderer(desk)

    # --- pages ----------------------------------------------------------------------------------

    def overview(self, request: Request) -> Response:
        """Answer with all questions and checks."""
        view = self.desk.view()
        lines = list_page.overview(view)
        outcomes = Counter(student.outcome for student in view.snapshot.students.values())
        answers = [line for line in lines if line.part.inline is not None]
        return self._page(
            request,
            view,
            "overview.html.j2",
            view.snapshot.class_.title,
            answers=answers,
            checks=[line for line in lines if line.part.check is not None],
            left=sum(map(attrgetter("left"), answers)),
            students=outcomes.total(),
            handed_in=outcomes[SubmissionOutcome.GRADED],
            empty=any(map(attrgetter("part.empty"), lines)),
        )

    def listing(self, request: Request) -> Response:
        """Answer with the answers to one question in a row."""
        view = self.desk.view()
        part = self._part(view, request)
        query = request.query_params
        texts = {name: clean(query.get(name, ""), 200) for name in FILTERS}
        number = query.get("page", "1")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
        filters = list_page.Filters(**texts, page=page)
        shown = list_page.listing(view, self.renderer, part, filters, _names(request))
        shown_filters = {name: text for name, text in texts.items() if text}
        apart = [one.apart for one in shown.read_twice if one.apart is not None]
        return self._page(
            request,
            view,
            "list.html.j2",
            part.title,
            page=shown,
            states=STATES,
            asked=rendering.author_text(part.inline.question) if part.inline is not None else "",
            page_link=f"?{urlencode({**shown_filters, 'page': ''})}",
            apart=sum(apart) / len(apart) if apart else None,
            read=len(apart),
            same=apart.count(0.0),
        )

    def next_one(self, request: Request) -> Response:
        """Lead to the first group that is left."""
        view = self.desk.view()
        part = self._part(view, request)
        token = grade_page.first_left(view, part, request.scope["who"])
        return RedirectResponse(f"{self.base}/q/{part.token}" + (f"/{token}" if token else ""), 303)

    def grading(self, request: Request) -> Response:
        """Answer with the page on which a group is graded."""
        view = self.desk.view()
        part = self._part(view, request)
        group = view.group(part, request.path_params["group"])
        if group is None:
            return RedirectResponse(f"{self.base}/q/{part.token}", 303)
        second = request.query_params.get("second") == "1"
        page = grade_page.grading(
            view, self.renderer, group, request.scope["who"], _names(request), second
        )
        return self._page(
            request,
            view,
            "grade.html.j2",
            f"{part.title}, {page.number} of {page.of}",
            page=page,
            seq=view.last,
            asked=bool(page.asked),
        )

    def student(self, request: Request) -> Response:
        """Answer with one student's work: parts, checks, and the notebooks as they ran."""
        view = self.desk.view()
        student = self._student(view, request)
        line = live.line_of(view, student, self.desk)
        notebooks, verdicts = live.notebooks(self.desk.store, student)
        pages = {}
        for check in student.checks:
            part = view.snapshot.part_ids.get(f"{CHECK_OF}{check.id}")
            pages[check.id] = view.page_of(part, student.entry.student) if part is not None else "/"
        names = _names(request)
        parts = student_page.student_parts(view, self.renderer, student)
        return self._page(
            request,
            view,
            "student.html.j2",
            rendering.label(student, names),
            student=student,
            label=rendering.label(student, names),
            parts=parts,
            next_left=student_page.next_left(parts),
            beside=student_page.neighbours(view, student, names),
            notebooks=notebooks,
            verdicts=verdicts,
            check_pages=pages,
            score=line.score,
            notes=live.notes(line) if names else (),
            report=student.outcome in (SubmissionOutcome.GRADED, SubmissionOutcome.REFUSED),
        )

    def report(self, request: Request) -> Response:
        """Answer with the report that was written for the instructor."""
        student = self._student(self.desk.view(), request)
        return self._report(student)

    def to_overview(self, request: Request) -> Response:
        """Redirect to the overview, which lists what is still to be graded."""
        return RedirectResponse(f"{self.base}/", 303)

    def to_class_page(self, request: Request) -> Response:
        """Lead to the class page, whose links are relative."""
        return RedirectResponse(f"{self.base}/class/", 303)

    def gradebook(self, request: Request) -> Response:
        """Answer with the gradebook as it would be written now."""
        data = live.gradebook_csv(self.desk.view(), self.desk)
        return _download(data, "gradebook.csv", "text/csv")

    def class_page(self, request: Request) -> Response:
        """Answer with the class page, with the marks as they are now."""
        text = live.class_page_text(self.desk.view(), self.desk)
        found = _META_POLICY.search(text)
        policy = (
            f"{found[1].replace('&#39;', chr(39))}; frame-ancestors 'none'" if found else POLICY
        )
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": policy})

    def class_report(self, request: Request) -> Response:
        """Answer a link of the class page, which names a student by their folder."""
        student = self.desk.view().snapshot.folders.get(request.path_params["folder"])
        if student is None:
            raise UsageError("there is no such student in this class")
        return self._report(student)

    def requests(self, request: Request) -> Response:
        """Answer with the requests for a regrade."""
        view = self.desk.view()
        asked = student_page.requests(view, _names(request))
        return self._page(request, view, "requests.html.j2", "Requests", asked=asked)

    def journal(self, request: Request) -> Response:
        """Answer with the last actions."""
        view = self.desk.view()
        number = request.query_params.get("before", "")
        before = int(number) if number.isascii() and number.isdigit() and len(number) < 16 else None
        lines = self.desk.journal.lines(before=before, limit=JOURNAL_LINES)
        shown = live.journal_actions(lines)
        earlier = lines[-1].seq if len(lines) == JOURNAL_LINES else 0
        return self._page(
            request, view, "journal.html.j2", "Journal", actions=shown, before=earlier
        )

    def static(self, request: Request) -> Response:
        """Answer with one of the files that pages need."""
        found = STATIC.get(request.path_params["name"])
        if found is None:
            raise UsageError("there is no such file")
        package, path, kind = found
        text = resources.files(package).joinpath(path).read_text(encoding="utf-8")
        return Response(text, media_type=kind)

    def exported(self, request: Request) -> Response:
        """Answer with a file to keep."""
        name = request.path_params["name"]
        if name == "decisions.csv":
            return _download(exports.decisions_csv(self.desk.journal), name, "text/csv")
        if name == "rubric.toml":
            return _download(exports.rubric_toml(self.desk.journal), name, "application/toml")
        raise UsageError("there is no such export")

    # --- actions --------------------------------------------------------------------------------

    def act(self, request: Request) -> Response:
        """Do what was asked and answer with what came of it."""
        who, name, body = request.scope["who"], request.path_params["action"], request.state.body
        try:
            if name == "write":
                return JSONResponse({"message": self.write()})
            if name == "import":
                many = live.import_requests(self.desk, who, body)
                return JSONResponse({"message": f"{counted(many, 'request')} brought in."})
            done = actions.act(self.desk, who, name, body)
        except Outdated as error:
            return JSONResponse({"error": str(error), "who": error.who}, 409)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 400)
        except GraderFault as error:
            return JSONResponse({"error": str(error)}, 500)
        return JSONResponse(msgspec.to_builtins(done))

    def pulse(self, request: Request) -> Response:
        """Note what a window shows; answer with who else looks at it, and whether anything was
        decided since.
        """
        query = request.query_params
        place = clean(query.get("place", ""), 100)
        window = clean(query.get("window", ""), 40)
        self.desk.presence.note(request.scope["who"], window, place)
        who = request.scope["who"]
        names = self.desk.presence.others(window, place) if place else []
        others = ["you, in another window" if name == who else name for name in names]
        return JSONResponse(
            {"others": others, "version": self._version_at(place), "seq": self.desk.journal.last}
        )

    def _version_at(self, place: str) -> int | None:
        """Return the version of the group that a place names, as `PART/GROUP`."""
        part_token, _, group_token = place.partition("/")
        view = self.desk.view()
        part = view.snapshot.part_tokens.get(part_token)
        group = view.group(part, group_token) if part is not None else None
        return group.version if group is not None else None

    # --- helpers --------------------------------------------------------------------------------

    def problem(self, request: Request, error: Exception) -> Response:
        """Answer to a page that is not there, or that failed."""
        known = isinstance(error, UsageError)
        message = (
            str(error) if known else "this page could not be made: the desk's terminal says why"
        )
        try:
            view = self.desk.view()
        except UsageError as fault:  # the class itself can't be read
            return PlainTextResponse(f"{fault}\n", 500)
        title = "Not found" if known else "A fault"
        status = 404 if known else 500
        return self._page(request, view, "problem.html.j2", title, status=status, message=message)

    def _report(self, student: GradedStudent) -> Response:
        data, kind = live.report(self.desk.store, student)
        return Response(data, media_type=kind, headers={"Content-Security-Policy": REPORT_POLICY})

    def _part(self, view: View, request: Request) -> Part:
        return actions.part_of(view, request.path_params["part"])

    def _student(self, view: View, request: Request) -> GradedStudent:
        student = view.snapshot.student_tokens.get(request.path_params["student"])
        if student is None:
            raise UsageError("there is no such student in this class")
        return student

    def _page(
        self,
        request: Request,
        view: View,
        template: str,
        title: str,
        *,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """Return a page."""
        open_requests = sum(one.state == "open" for one in view.requests.values())
        environment = templating.environment("grader.desk")
        text = environment.get_template(template).render(
            title=title,
            base=self.base,
            who=request.scope["who"],
            names=_names(request),
            keys=KEYS,
            class_title=view.snapshot.class_.title,
            open_requests=open_requests,
            **values,
        )
        return Response(text.encode("utf-8", "replace"), status, media_type="text/html")


def _download(data: bytes, name: str, kind: str) -> Response:
    return Response(
        data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _names(request: Request) -> bool:
    """Tell whether this window shows names: they are not sent otherwise."""
    return request.cookies.get(NAMES_COOKIE) == "1"


async def read_body(request: Request) -> bytes:
    """Return a request's body; raise `UsageError` if it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise UsageError("the request is too long")
    return body
