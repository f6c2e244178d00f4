"""The application: which path is answered by what."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from grader.desk.desk import Desk
from grader.desk.web.guard import Door, Guard
from grader.desk.web.responses import DeskPages, read_body
from grader.errors import GraderError, UsageError

Page = Callable[[Request], Response]


def application(desk: Desk, door: Door, write: Callable[[], str]) -> Guard:
    """Return the application of a desk behind its door.

    write: writes marks and pages, and returns a sentence about it
    """
    pages = DeskPages(desk, door.prefix, write)
    routes = [
        Route("/", _answering(pages, pages.overview)),
        Route("/q/{part}", _answering(pages, pages.listing)),
        Route("/q/{part}/next", _answering(pages, pages.next_one)),
        Route("/q/{part}/{group}", _answering(pages, pages.grading)),
        Route("/s/{student}", _answering(pages, pages.student)),
        Route("/s/{student}/report", _answering(pages, pages.report)),
        Route("/class", _answering(pages, pages.to_class_page)),
        Route("/class/", _answering(pages, pages.class_page)),
        Route("/class/todo.html", _answering(pages, pages.to_overview)),
        Route("/class/gradebook.csv", _answering(pages, pages.gradebook)),
        Route("/class/{folder}/{file}", _answering(pages, pages.class_report)),
        Route("/requests", _answering(pages, pages.requests)),
        Route("/journal", _answering(pages, pages.journal)),
        Route("/static/{name}", _answering(pages, pages.static)),
        Route("/export/{name}", _answering(pages, pages.exported)),
        Route("/pulse", _answering(pages, pages.pulse)),
        Route("/act/{action}", _acting(pages), methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes), door)


def _answering(pages: DeskPages, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that makes a page in a thread: hostile text may take seconds."""

    def answer(request: Request) -> Response:
        try:
            return page(request)
        except UsageError as error:
            return pages.problem(request, error)
        except GraderError as error:
            logging.getLogger("grader.desk").error("%s", error)
            return pages.problem(request, error)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return endpoint


def _acting(pages: DeskPages) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() not in (
            "application/json",
            "text/csv",
        ):
            return PlainTextResponse("an action is JSON\n", 415)
        try:
            request.state.body = await read_body(request)
        except UsageError as error:
            return PlainTextResponse(f"{error}\n", 413)
        except ClientDisconnect:
            return PlainTextResponse("the request was cut off\n", 400)
        return await run_in_threadpool(pages.act, request)

    return endpoint
