"""Checks each request before anything answers it.

Theory of operation. What students wrote is shown here, and a page of theirs may be open in the
same browser, or on another port of the same machine. So each request must name this very host (a
foreign name that leads here is refused), must not come from another page (``Sec-Fetch-Site``,
``Origin``; a browser writes both and a page can't), and must bear the cookie, which no script can
read and no other site's request brings along. A request that changes anything needs the ``Origin``
of the desk itself. A request that names anything else is refused before its body is read. Each
answer forbids frames, foreign scripts, styles, pictures and requests. Browsers share cookies
between ports, so the cookie's name has the desk's port. A page on another port has another
``Origin``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from grader.desk.web.keys import Keys

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 1_000_000  # bytes of a request
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
LONGEST_QUERY = 2_000  # characters that are searched for a token
SAFE = ("GET", "HEAD")
ENTER = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}/">
<title>The desk</title></head>
<body><main><h1>The desk</h1><p><a href="{0}/">Open the desk</a></p></main></body></html>
"""


@dataclass(frozen=True)
class Door:
    """By what names the desk is reached, and who may enter."""

    keys: Keys
    hosts: frozenset[str]  # values of `Host`
    origins: frozenset[str]
    prefix: str = ""  # of the paths, behind a reverse proxy
    secure: bool = False  # whether browsers reach it by https alone
    cookie: str = "grader-desk"


class Guard:
    """Wraps the application: refuses, or lets through with ``scope["who"]``."""

    def __init__(self, app: App, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        if self.door.prefix and scope["path"].startswith(f"{self.door.prefix}/"):
            scope = {**scope, "path": scope["path"].removeprefix(self.door.prefix), "root_path": ""}
            scope["raw_path"] = scope["path"].encode()
        await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that does not get through; None for one that does."""
        headers = Headers(scope=scope)
        if (
            headers.get("host", "").lower() not in self.door.hosts
            or len(headers.getlist("host")) != 1
        ):
            return _refused(
                "this desk has another address: open the one that `grader desk` printed"
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self.door.origins:
            return _refused(
                "a page of another site asked for this: nothing was shown and nothing changed"
            )
        if scope["method"] == "GET" and (token := _token_in(scope)):
            return self._enter(token)
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none"):
            return _refused(
                "a page of another site led here: open the address that `grader desk` printed"
            )
        if scope["method"] not in SAFE and origin is None:
            return _refused("this changes something, and does not say from which page it comes")
        who = self._who(headers)
        if who is None:
            return _refused("open the address that `grader desk` printed: it holds the token", 401)
        scope["who"] = who
        return None

    def _who(self, headers: Headers) -> str | None:
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return None
        return (
            self.door.keys.of_cookie(jar[self.door.cookie].value)
            if self.door.cookie in jar
            else None
        )

    def _enter(self, token: str) -> Response:
        """Give the cookie for a right token; the page goes on by itself, so that the token leaves
        the address.
        """
        who = self.door.keys.of_token(token)
        if who is None:
            return _refused(
                "this address is no longer right: open the one that `grader desk` printed", 401
            )
        answer = Response(ENTER.format(self.door.prefix), media_type="text/html")
        answer.set_cookie(
            self.door.cookie,
            self.door.keys.cookie(who),
            path=f"{self.door.prefix}/",
            secure=self.door.secure,
            httponly=True,
            samesite="strict",
            max_age=60 * 60 * 24 * 30,
        )
        return answer


def _token_in(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("ascii", "replace")
    return dict(parse_qsl(query[:LONGEST_QUERY])).get("token", "") if "token=" in query else ""


def _refused(why: str, status: int = 403) -> Response:
    return PlainTextResponse(f"{why}\n", status_code=status)


def _with_headers(send: Send) -> Send:
    """Return a sender that adds the headers of every answer, unless it brings its own policy."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            added = {"Content-Security-Policy": POLICY, **HEADERS}
            extra = [
                (name.lower().encode(), value.encode())
                for name, value in added.items()
                if name.lower().encode() not in there
            ]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sending
