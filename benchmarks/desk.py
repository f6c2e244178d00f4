"""How long the desk takes for each page of a large class, and what it holds in memory.

`python -m benchmarks.desk [STUDENTS]` makes a class of 2,000 with five questions, decides on a part
of it, and asks for each kind of page and for decisions, without a network. It prints the median and
the slowest of each in milliseconds, and the memory of the process before and after.
"""

from __future__ import annotations

import asyncio
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from grader.classroom.marks.course_marks import Inline
from grader.classroom.marks.decisions import ANSWER_OF, NAME, Item, Journal
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.result_store import ANSWERS, Store
from grader.desk.desk import Desk
from grader.desk.web.app import application
from grader.desk.web.guard import Door
from grader.desk.web.keys import keys_of
from tests.desk import made

QUESTIONS = 5
ROUNDS = 25
LIMIT = 200.0  # milliseconds of a page on the server
WORDS = (
    "the gradient of a deep network vanishes since each step multiplies it by a number below one",
    "so that early states learn nothing from late errors unless gates keep a path",
)
VOCABULARY = tuple(" ".join(WORDS).split())
INLINE = tuple(
    Inline(f"Work/q{number}", "Work.ipynb", f"q{number}", "Why? " * 20, "", 3.0)
    for number in range(QUESTIONS)
)
RUBRIC = tuple(
    Item(part=f"{ANSWER_OF}{inline.id}", text=f"Says {word}", points=0.5, order=number)
    for inline in INLINE
    for number, word in enumerate(("why", "how", "what", "when", "how much"))
)


def answers(number: int) -> dict[str, WrittenAnswer]:
    """Return five answers of some 80 words; a third of the class writes what others write."""
    chance = random.Random(number // 3 if number % 3 else number)
    return {
        inline.id: WrittenAnswer(" ".join(chance.choices(VOCABULARY, k=80))) for inline in INLINE
    }


def build(out: Path, students: int) -> Store:
    """Write the class: the reports of all are those of the first, their answers are their own."""
    store = made.build(out, 1, answers=answers, inline=INLINE, rubric=RUBRIC)
    first = store.kept("s0000")
    row = store.row("s0000", "s0000")
    assert row is not None
    entries = [made.entry(number) for number in range(students)]
    with store.locked():
        for number, entry in enumerate(entries):
            own = answers(number)
            files = {**first, ANSWERS: msgspec.json.encode(own), "report.html": b"<p>a report</p>"}
            texts = {name: answer.seen for name, answer in own.items()}
            store.write(
                entry.folder,
                files,
                msgspec.structs.replace(row, student=entry.student, texts=texts),
            )
        store.write_class(made.class_file(entries, inline=INLINE, rubric=RUBRIC))
    return store


class Asking:
    """A browser that keeps one loop, so that the time is the server's."""

    def __init__(self, app: Any, cookie: str) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1:1",
            headers={"Cookie": f"grader-desk={cookie}", "Origin": "http://127.0.0.1:1"},
        )

    async def timed(self, ask: Callable[[], Any]) -> float:
        """Return the milliseconds that a request took."""
        start = time.perf_counter()
        answer = await ask()
        taken = (time.perf_counter() - start) * 1000
        assert answer.status_code in (200, 303), answer.text[:300]
        return taken


def megabytes() -> float:
    """Return what the process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def measure(desk: Desk, asking: Asking) -> bool:
    """Print a line for each kind of request; tell whether all were quick."""
    client, chance = asking.client, random.Random(1)
    view = desk.view()
    parts = [part for part in view.snapshot.parts if part.inline is not None]
    students = list(view.snapshot.students.values())

    def group() -> str:
        part = chance.choice(parts)
        return f"/q/{part.token}/{chance.choice(desk.view().groups(part)).token}"

    def decide() -> Any:
        part = chance.choice(parts)
        one = chance.choice(desk.view().groups(part))
        item = chance.choice(desk.view().items(part))[0]
        body = {"part": part.token, "group": one.token, "version": one.version, "item": item}
        return client.post("/act/decide", json=body)

    asks: dict[str, Callable[[], Any]] = {
        "decision": decide,
        "overview": lambda: client.get("/"),
        "list": lambda: client.get(f"/q/{chance.choice(parts).token}"),
        "list, searched": lambda: client.get(
            f"/q/{chance.choice(parts).token}?text=vanishes+since"
        ),
        "next": lambda: client.get(f"/q/{chance.choice(parts).token}/next"),
        "grading": lambda: client.get(group()),
        "student": lambda: client.get(f"/s/{chance.choice(students).token}"),
        "requests": lambda: client.get("/requests"),
        "journal": lambda: client.get("/journal"),
        "pulse": lambda: client.get(f"/pulse?window=1&place={group()[3:]}"),
        "class page": lambda: client.get("/class/"),
    }
    quick = True
    for name, ask in asks.items():
        times = []
        for _ in range(ROUNDS):
            if name != "decision":
                await decide()  # somebody is always at work, so that nothing is as it was
            times.append(await asking.timed(ask))
        quick = quick and (statistics.median(times) < LIMIT)
        print(f"{name:16} median {statistics.median(times):7.1f} ms   slowest {max(times):7.1f} ms")
    return quick


def main(students: int) -> int:
    """Measure a class."""
    with tempfile.TemporaryDirectory() as place:
        store = build(Path(place) / "class", students)
        journal = Journal(store.out / NAME, create=True)
        keys = keys_of(journal, ("ta1",))
        start = time.perf_counter()
        desk = Desk(store, journal)
        print(
            f"{students} students, {QUESTIONS} questions; opened in {time.perf_counter() - start:.1f} s"
        )
        door = Door(keys, frozenset({"127.0.0.1:1"}), frozenset({"http://127.0.0.1:1"}))
        asking = Asking(application(desk, door, lambda: ""), keys.cookie("ta1"))
        loop = asyncio.new_event_loop()
        # everything once, so that what is kept is there
        loop.run_until_complete(measure(desk, asking))
        before = megabytes()
        print("warm:")
        quick = loop.run_until_complete(measure(desk, asking))
        print(
            f"memory: {before:.0f} MB after {11 * ROUNDS} requests, {megabytes():.0f} MB after as many again"
        )
        journal.close()
    return 0 if quick else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
