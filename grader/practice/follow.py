"""The report in the browser, which follows every save: a page served to this machine alone.

Theory of operation. The server listens on the loopback address. A request is answered if its path
holds a token that is drawn at each start and its `Host` is the server's own, so neither another
user's program nor a page of another site that finds the port can read anything. Requests only read.
The outer page holds the report in a frame and asks for changes; it puts the body of the new report
in the place of the old one, so the place on the page and what is unfolded stay. The report itself
runs no script, as in a file.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Self

from grader.grading.grade import Graded
from grader.report import html_report
from grader.report.audience import Audience

WAIT_SECONDS = 20.0  # a request for changes is answered after so long, if nothing has changed
FAVICON = "data:,"


class FollowedReport:
    """The newest report, and who waits for it."""

    def __init__(self) -> None:
        self.version = 0
        self.page = ""
        self._changed = threading.Condition()
        self._over = False

    def put(self, page: str) -> None:
        """Replace the report."""
        with self._changed:
            self.page = page
            self.version += 1
            self._changed.notify_all()

    def after(self, version: int) -> int:
        """Wait until there is a newer report than that, and return its number; after some time the
        same number.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.version != version or self._over, WAIT_SECONDS)
            return self.version

    def end(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


class Server(ThreadingHTTPServer):
    """Serves the pages on the loopback address."""

    daemon_threads = False  # they end with the last answer, or soon after

    def __init__(self, pages: FollowedReport, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = pages
        self.token = token
        self.shell, self.policy = _shell()

    @property
    def host(self) -> str:
        """Host and port as a browser names them."""
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    timeout = 5.0  # seconds for a request to arrive

    def do_GET(self) -> None:
        """Answer with the outer page, the report, or the number of the newest report."""
        token, _, rest = self.path.removeprefix("/").partition("/")
        own = hmac.compare_digest(token.encode(), self.server.token.encode())
        if not own or self.headers.get("Host") != self.server.host:
            self._send("not found", "text/plain", HTTPStatus.NOT_FOUND)
            return
        name, _, query = rest.partition("?")
        if name == "":
            self._send(self.server.shell, "text/html", policy=self.server.policy)
        elif name == "report":
            self._send(self.server.pages.page, "text/html")
        elif name == "changes":
            since = int(query) if query.isdecimal() and len(query) < 10 else -1
            self._send(str(self.server.pages.after(since)), "text/plain")
        else:
            self._send("not found", "text/plain", HTTPStatus.NOT_FOUND)

    def _send(
        self, text: str, kind: str, status: HTTPStatus = HTTPStatus.OK, policy: str = ""
    ) -> None:
        data = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        with contextlib.suppress(OSError):  # the browser has gone
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of requests."""


class Follower:
    """A page in the browser that shows the newest report. A context manager: leaving it ends the
    server.
    """

    def __init__(self) -> None:
        self._pages = FollowedReport()
        self._server = Server(self._pages, secrets.token_urlsafe(24))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The address of the page; who knows it can read the report."""
        return f"http://{self._server.host}/{self._server.token}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pages.end()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, graded: Graded) -> None:
        """Show a report in place of the one before."""
        page = html_report.render(
            graded.report,
            audience=Audience.STUDENT,
            notebooks=graded.notebooks,
            sources=graded.sources,
        )
        self._pages.put(page)

    def open(self) -> None:
        """Open the page in the user's browser, if there is one."""
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(self.url)


def _shell() -> tuple[str, str]:
    """Return the outer page, and the policy that lets nothing but its own script and style act."""
    folder = resources.files("grader.practice").joinpath("templates")
    script = folder.joinpath("follow.js").read_text(encoding="utf-8")
    style = folder.joinpath("follow.css").read_text(encoding="utf-8")
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>grader watch</title>'
        f'<link rel="icon" href="{FAVICON}"><style>{style}</style></head>'
        '<body><p id="state" role="status"></p><iframe id="report" src="report" title="Report">'
        f"</iframe><script>{script}</script></body></html>"
    )
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return page, policy


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
