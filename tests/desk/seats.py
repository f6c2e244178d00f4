"""A desk in this process, asked as a browser asks it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

from grader.classroom.marks.decisions import NAME, Journal
from grader.classroom.run.result_store import Store
from grader.desk.desk import Desk
from grader.desk.web.app import application
from grader.desk.web.guard import Door
from grader.desk.web.keys import Keys, keys_of
from grader.desk.web.server import writer

HOST = "127.0.0.1:8521"
ORIGIN = f"http://{HOST}"


class Client:
    """A browser: it asks the application without a network, and keeps cookies."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Send one request."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, cookies=self.cookies
            ) as client:
                return await client.request(method, path, **how)

        answer = asyncio.run(send())
        self.cookies.update(answer.cookies)
        return answer

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("POST", path, **how)


class Seat:
    """One grader's browser at a desk."""

    def __init__(self, client: Client, grader: str) -> None:
        self.client = client
        self.grader = grader

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def act(self, action: str, **body: object) -> httpx.Response:
        return self.client.post(f"/act/{action}", json=body, headers={"Origin": ORIGIN})


class Sat:
    """A desk, its class, and whoever sits at it."""

    def __init__(self, store: Store, graders: tuple[str, ...]) -> None:
        self.store = store
        self.journal = Journal(store.out / NAME, create=True)
        self.keys: Keys = keys_of(self.journal, graders)
        self.desk = Desk(store, self.journal, graders)
        door = Door(self.keys, frozenset({HOST}), frozenset({ORIGIN}))
        self.app: Any = application(self.desk, door, writer(self.desk))

    def client(self) -> Client:
        """Return a browser without a cookie."""
        return Client(self.app)

    def seat(self, grader: str) -> Seat:
        """Return a grader's browser, with the cookie that their address gives."""
        client = self.client()
        assert client.get("/", params={"token": self.keys.token(grader)}).status_code == 200
        return Seat(client, grader)

    def part(self, name: str) -> str:
        """Return the token of a part."""
        view = self.desk.view()
        return next(part.token for part in view.snapshot.parts if part.id.partition(":")[2] == name)

    def groups(self, name: str) -> list[Any]:
        view = self.desk.view()
        return view.groups(view.snapshot.part_tokens[self.part(name)])

    def group_of(self, name: str, student: str) -> Any:
        return next(
            group
            for group in self.groups(name)
            if student in [work.student for work in group.works]
        )

    def decide(self, seat: Seat, name: str, student: str, **change: object) -> httpx.Response:
        """Decide on a student's part, as a page does that shows it as it is."""
        group = self.group_of(name, student)
        return seat.act(
            "decide", part=self.part(name), group=group.token, version=group.version, **change
        )

    def item(self, seat: Seat, name: str, text: str, points: float) -> str:
        """Make an item and return its id."""
        answer = seat.act("item", part=self.part(name), text=text, points=points)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["item"])


def text_of(page: str) -> str:
    """Return a page's text without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
