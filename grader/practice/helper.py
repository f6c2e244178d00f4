"""The process that checks for a notebook: started by the kernel, warm as long as the kernel lives.

It is no part of the kernel, so what a check imports, patches or uses up changes nothing there. It
ends when its connection is closed.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from grader.assignment.spec import Assignment, load
from grader.errors import CannotGrade, GraderError, WorkerDied
from grader.model import Report
from grader.practice import shown
from grader.practice.kernel import receive
from grader.practice.messages import KernelAnswer, Order, framed, read
from grader.practice.own import find
from grader.practice.session import Session
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.wire import Channel, WireClosed

FILES = 2  # sockets that are given to this process
Stamp = tuple[tuple[str, int, int], ...]


class LiveBox(Box):
    """The kernel's end of a connection; the kernel ends its copy itself."""

    def __init__(self, sock: socket.socket) -> None:
        self.channel = Channel(sock)

    def kill(self) -> Exit:
        """Hang up."""
        self.channel.hang_up()
        self.channel.close()
        return Exit(None)


class LiveSandbox(Sandbox):
    """Opens the one connection to the kernel that was handed over for a check."""

    def __init__(self, sock: socket.socket) -> None:
        self._box: LiveBox | None = LiveBox(sock)
        self._all = [self._box]

    def open(self, notebook: bool = False) -> Box:
        """Return the connection; raise `WorkerDied` if a call has ended it."""
        box, self._box = self._box, None
        if box is None:
            raise WorkerDied("not run: an earlier call ended the copy of the kernel; check again")
        return box

    def close(self) -> None:
        """Hang up."""
        for box in self._all:
            box.kill()


class Helper:
    """Answers the orders of one kernel."""

    def __init__(self, channel: Channel, control: socket.socket) -> None:
        self._channel = channel
        self._control = control
        self._session: Session | None = None
        self._stamp: Stamp = ()

    def serve(self) -> None:
        """Answer until the kernel ends."""
        try:
            self._prepare()
            while True:
                order = read(self._channel.receive(), Order)
                self._channel.send(framed(self._answer(order)))
        except WireClosed:
            return
        finally:
            self._close()

    def _prepare(self) -> None:
        """Load what the first check needs; what is wrong is said when a check is asked for."""
        try:
            self._current()
            shown.prepare()
        except Exception:  # the first check meets it again and says it
            self._close()

    def _answer(self, order: Order) -> KernelAnswer:
        try:
            return self._checked(order)
        except CannotGrade as error:
            return shown.message(str(error))
        except GraderError as error:
            return shown.message(f"the grader failed, and this says nothing of your work: {error}")
        except (KeyboardInterrupt, SystemExit, WireClosed):
            raise
        except Exception as error:
            self._close()
            said = f"{type(error).__name__}: {error}"
            return shown.message(f"the grader failed, and this says nothing of your work: {said}")

    def _checked(self, order: Order) -> KernelAnswer:
        session = self._current()
        names = [name.partition("[")[0] for name in order.names]
        session.must_know(names)
        wanted = names or list(session.known)
        judged = kernels_notebook(session.assignment, order)
        live = self._live(session.assignment, wanted, judged)
        elsewhere = _elsewhere(session.assignment, wanted, judged)
        here = [id_ for id_ in wanted if id_ not in elsewhere]
        report, sources = None, {}
        try:
            if here:
                graded = session.check(here, live)
                report, sources = graded.report, graded.sources
        finally:
            for sandbox in live.values():
                sandbox.close()
        return _shown(order, report, sources, elsewhere)

    def _live(
        self, assignment: Assignment, wanted: list[str], judged: str
    ) -> Mapping[str, Sandbox]:
        """Ask the kernel for a connection, if a check needs one."""
        for id_ in wanted if judged else ():
            check = assignment.check(id_)
            if check is not None and check.notebook == judged:
                self._channel.send(framed(KernelAnswer(live=True)))
                return {judged: LiveSandbox(receive(self._control))}
        return {}

    def _current(self) -> Session:
        """Return the session of the assignment as it is on disk now."""
        folder = find(Path.cwd())
        stamp = _stamp(folder)
        if self._session is None or stamp != self._stamp:
            self._close()
            session = Session(load(folder))
            self._session, self._stamp = session.__enter__(), stamp
        return self._session

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.__exit__(None, None, None)


def kernels_notebook(assignment: Assignment, order: Order) -> str:
    """Return the notebook of the assignment that a kernel runs, or nothing if it runs none of them.

    If the kernel does not know its file, it is the notebook whose cells define most of the names in
    the kernel.
    """
    books = assignment.spec.notebooks
    if order.notebook:
        for book in books:
            if Path(book.path).name == Path(order.notebook).name:
                return book.path
        return ""
    if len(books) == 1:
        return books[0].path
    from grader.notebooks.cells import text_of
    from grader.notebooks.definitions import definitions
    from grader.notebooks.format import provided

    best, most = "", 0
    for book in books:
        names: set[str] = set()
        for cell in provided(assignment.folder / book.source).cells:
            names |= definitions(text_of(cell))
        common = len(names.intersection(order.defined))
        if common > most:
            best, most = book.path, common
    return best


def _elsewhere(assignment: Assignment, wanted: list[str], judged: str) -> dict[str, str]:
    """Return the checks of other notebooks: their kernels are not this one."""
    found = {}
    for id_ in wanted:
        check = assignment.check(id_)
        if check is not None and check.notebook and check.notebook != judged:
            found[id_] = check.notebook
    return found


def _shown(
    order: Order, report: Report | None, sources: Mapping[str, str], elsewhere: Mapping[str, str]
) -> KernelAnswer:
    cases = {}
    for name in order.names:
        id_, _, case = name.partition("[")
        cases[id_] = case.removesuffix("]")
    return shown.answer(report, sources, elsewhere, cases, everything=not order.names)


def _stamp(folder: Path) -> Stamp:
    """Return what tells one state of an assignment's folder from another."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml", ".h5", ".json", ".ipynb"):
            state = path.stat()
            found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)


def main() -> None:
    """Serve the kernel whose sockets are the descriptors in the arguments, or on Windows come on
    standard input.
    """
    if sys.platform == "win32":
        pieces = sys.stdin.buffer.read()
        size = len(pieces) // FILES
        sockets = [socket.fromshare(pieces[i * size : (i + 1) * size]) for i in range(FILES)]
    else:
        sockets = [socket.socket(fileno=int(number)) for number in sys.argv[1 : 1 + FILES]]
    for sock in sockets:
        sock.set_inheritable(False)
    os.environ.setdefault("NO_COLOR", "1")
    Helper(Channel(sockets[0]), sockets[1]).serve()


if __name__ == "__main__":
    main()
