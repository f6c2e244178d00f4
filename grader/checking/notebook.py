"""Notebooks: provided cells restored, then run by nbclient from the first to the last in a fresh kernel in the box.

Theory of operation. nbclient runs here, in the trusted process; the kernel is the worker in the box (`Remote`), and
its messages come over the wire like everything else. A message that is not of a known kind and form is dropped, and
outputs beyond the limit are counted instead of kept. What a finished notebook defines is read as data, and its
functions are called, in the process that ran it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from grader.assignment.spec import NotebookSpec
from grader.checking.remote import Remote
from grader.checking.student import Case, Value
from grader.errors import GraderError, GraderFault, LimitExceeded, NotImplementedYet, StudentException, SubmissionFailed
from grader.sandbox.limits import Limits
from grader.sandbox.wire import Frame
from grader.text import clean

MAX_CELLS = 2000
MAX_SOURCE = 200_000  # characters of one cell
MAX_NESTING = 32  # of what a cell displays: what reads and writes it later recurses
MESSAGE_BYTES = 512  # that even an empty message takes here
SOLUTION = "### BEGIN SOLUTION"  # stands in the author's cells where the notebook is the reference too


class UnreadableNotebook(SubmissionFailed):
    """A submitted notebook that is not one."""


# --- restoring ------------------------------------------------------------------------------------------------------


def parse(data: bytes) -> NotebookNode:
    """Return a notebook of the current format; raise `UnreadableNotebook` with a sentence for anything else."""
    try:
        raw = json.loads(data.decode("utf-8-sig"))
        if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
            raise UnreadableNotebook("the file is JSON, but not a notebook")
        node: NotebookNode = nbformat.convert(nbformat.from_dict(raw), 4)
        cells = [cell for cell in node.get("cells", []) if isinstance(cell, dict)]
    except (ValueError, RecursionError) as error:
        raise UnreadableNotebook(f"the file is not a notebook ({clean(type(error).__name__, 40)})") from None
    except UnreadableNotebook:
        raise
    except Exception as error:  # nbformat's converters assume well-formed input and may raise anything on other
        raise UnreadableNotebook(f"the notebook's format can't be read ({clean(type(error).__name__, 40)})") from None
    if len(cells) > MAX_CELLS:
        raise UnreadableNotebook(f"the notebook has {len(cells)} cells, more than the {MAX_CELLS} that are taken")
    node["cells"] = cells
    return node


def cell_key(cell: NotebookNode) -> str:
    """Return a cell's identity: its id, or the copy of it in the metadata, which older formats keep."""
    told = cell.get("metadata", {})
    ours = told.get("grader", {}) if isinstance(told, dict) else {}
    key = ours.get("id") if isinstance(ours, dict) else None
    return str(key or cell.get("id", ""))


def is_students(cell: NotebookNode) -> bool:
    """Return whether an author's cell is one that students fill in."""
    return bool(cell.get("metadata", {}).get("grader", {}).get("role") == "student")


def restore(
    provided: NotebookNode, submitted: NotebookNode | None, *, keep_extra: bool
) -> tuple[NotebookNode, list[str]]:
    """Return the notebook to run: the author's cells as he wrote them, the student's where the student may write.

    Cells that the student added are kept behind the cell that they followed, where ``keep_extra`` says so. The second
    value names, in sentences, what of the submission was not used.
    """
    result = nbformat.from_dict({**provided, "cells": []})
    if submitted is None:
        result.cells = [_fresh(cell, _unwritten(cell), cell_key(cell)) for cell in provided.cells]
        return result, []
    theirs = _by_key(submitted)
    known = {cell_key(cell) for cell in provided.cells}
    extra: dict[str, list[NotebookNode]] = {}
    behind = ""
    for cell in submitted.cells:
        if cell_key(cell) in known and theirs[cell_key(cell)] is cell:
            behind = cell_key(cell)
        elif _source(cell).strip():
            extra.setdefault(behind, []).append(cell)
    changed, missing = 0, 0
    cells: list[NotebookNode] = []
    counter = itertools.count(1)

    def add_extra(key: str) -> None:
        added = [cell for cell in extra.get(key, []) if cell.get("cell_type") in ("code", "markdown")]
        if keep_extra:
            cells.extend(_fresh(cell, _source(cell), f"added-{next(counter)}") for cell in added)

    add_extra("")
    for cell in provided.cells:
        key = cell_key(cell)
        other = theirs.get(key)
        missing += other is None
        same = other is not None and _source(other).strip() == cell.source.strip()
        students = other is not None and is_students(cell)
        changed += other is not None and not same and not students
        cells.append(_fresh(cell, _source(other) if students and other is not None else _unwritten(cell), key))
        add_extra(key)
    result.cells = cells
    notes = []
    if changed:
        notes.append(f"{_cells(changed)} provided by the assignment had been changed and {_was(changed)} put back")
    if missing:
        notes.append(f"{_cells(missing)} of the assignment {_was(missing)} missing and {_was(missing)} put back")
    dropped = sum(map(len, extra.values()))
    if dropped and not keep_extra:
        notes.append(f"{_cells(dropped)} that the student added {_was(dropped)} not run")
    return result, notes


def _unwritten(cell: NotebookNode) -> str:
    """Return the source of a cell that the submission lacks: the author's, unless it holds his own solution."""
    return "" if SOLUTION in cell.source else str(cell.source)


def _by_key(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return a cell for each key: a copy of a cell carries its original's metadata, but not its id."""
    cells: dict[str, NotebookNode] = {}
    for cell in notebook.cells:
        key = cell_key(cell)
        if key not in cells or (cell.get("id") == key and cells[key].get("id") != key):
            cells[key] = cell
    return cells


def _source(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text[:MAX_SOURCE]


def _fresh(cell: NotebookNode, source: str, key: str) -> NotebookNode:
    make = nbformat.v4.new_code_cell if cell.get("cell_type") == "code" else nbformat.v4.new_markdown_cell
    made: NotebookNode = make(source=source, id=key[:64] or "cell", metadata={"grader": {"id": key[:64]}})  # type: ignore[no-untyped-call]  # of nbformat
    return made


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


# --- running --------------------------------------------------------------------------------------------------------


class _Queue:
    """One channel of a kernel client, as nbclient reads it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message, or raise `queue.Empty`."""
        try:
            return await asyncio.wait_for(self.queue.get(), timeout)
        except TimeoutError:
            raise Empty from None


class WireKernelClient:
    """A Jupyter kernel client, as far as nbclient asks for one, whose kernel is the worker in a box."""

    allow_stdin = False

    def __init__(self, remote: Remote, limits: Limits) -> None:
        self._remote = remote
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._deadline = time.monotonic() + limits.notebook_seconds
        self._room = int(limits.output_mb * (1 << 20))
        self._count = itertools.count(1)
        self.shell_channel, self.iopub_channel = _Queue(), _Queue()
        self.failure: GraderError | None = None
        self.pending: asyncio.Future[None] | None = None
        self.lost = 0

    async def is_alive(self) -> bool:
        """Return True: a death shows as the reply of the cell that it ended."""
        return True

    def execute(self, code: str, **_: Any) -> str:
        """Start a cell and return the id of its message."""
        id_ = f"cell-{next(self._count)}"
        self.pending = self._loop.run_in_executor(None, self._execute, id_, code)
        return id_

    def _execute(self, id_: str, code: str) -> None:
        """Run a cell to its end, in a thread: messages and the reply are handed to the event loop."""
        left = self._deadline - time.monotonic()
        seconds = max(0.1, min(self._limits.cell_seconds, left))
        content: dict[str, Any]
        try:
            body = {"op": "execute", "code": code}
            reply = self._remote.request(
                "the cell", body, seconds=seconds, message=lambda frame: self._message(id_, frame)
            )
            content = _reply(reply.body)
        except SubmissionFailed as error:
            self.failure = error
            content = {"status": "error", "ename": "Stopped", "evalue": str(error), "traceback": []}
        except Exception as error:
            self.failure = GraderFault(f"running a cell failed: {error!r}")
            content = {"status": "error", "ename": "GraderFault", "evalue": "", "traceback": []}
        self._put(self.shell_channel, id_, "execute_reply", content)
        self._put(self.iopub_channel, id_, "status", {"execution_state": "idle"})

    def _message(self, id_: str, frame: Frame) -> None:
        kind, content = frame.body.get("type"), frame.body.get("content")
        if not isinstance(kind, str) or not isinstance(content, dict) or not _valid(kind, content):
            return
        size = MESSAGE_BYTES + len(json.dumps(content))
        if size > self._room:
            self.lost += 1
            if self.lost == 1:
                text = f"\n… outputs beyond {self._limits.output_mb:g} MB were not kept\n"
                self._put(self.iopub_channel, id_, "stream", {"name": "stderr", "text": text})
            return
        self._room -= size
        self._put(self.iopub_channel, id_, kind, content)

    def _put(self, channel: _Queue, id_: str, kind: str, content: dict[str, Any]) -> None:
        message = {
            "header": {"msg_type": kind, "msg_id": f"{id_}-{kind}"},
            "msg_type": kind,
            "parent_header": {"msg_id": id_},
            "metadata": {},
            "content": content,
            "buffers": [],
        }
        self._loop.call_soon_threadsafe(channel.queue.put_nowait, message)


def _reply(body: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an execute reply, made of nothing but what is expected in one."""
    lines = body.get("traceback")
    return {
        "status": "ok" if body.get("status") == "ok" else "error",
        "execution_count": body.get("execution_count") if isinstance(body.get("execution_count"), int) else None,
        "ename": _text(body.get("ename"), 100),
        "evalue": _text(body.get("evalue"), 500),
        "traceback": [_text(line, 4000) for line in lines[:100]] if isinstance(lines, list) else [],
    }


def _text(told: Any, limit: int) -> str:
    """Return what is told, cleaned and cut, if it is text at all: the text of a nested value may be endless."""
    return clean(told, limit) if isinstance(told, str) else ""


def _shallow(value: Any, levels: int = MAX_NESTING) -> bool:
    """Return whether JSON data is nested no deeper than that."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(item, levels - 1) for item in items)


def _valid(kind: str, content: dict[str, Any]) -> bool:
    """Return whether a message has the form that nbformat's outputs need."""
    if not _shallow(content):
        return False
    if kind == "stream":
        return content.get("name") in ("stdout", "stderr") and isinstance(content.get("text"), str)
    if kind == "clear_output":
        return isinstance(content.get("wait"), bool)
    if kind == "error":
        lines = content.get("traceback")
        texts = [content.get("ename"), content.get("evalue"), *(lines if isinstance(lines, list) else [None])]
        return all(isinstance(text, str) for text in texts)
    if kind not in ("display_data", "update_display_data", "execute_result"):
        return False
    data, transient = content.get("data"), content.get("transient", {})
    if not isinstance(data, dict) or not isinstance(content.get("metadata"), dict) or not isinstance(transient, dict):
        return False
    if not isinstance(transient.get("display_id", ""), str):
        return False
    if kind == "execute_result" and not isinstance(content.get("execution_count"), int):
        return False
    return all(isinstance(value, str) or key.endswith("json") for key, value in data.items())


class _Manager:
    """Stands where nbclient expects a kernel manager: the box is started and ended by others."""

    has_kernel = True


async def _run_cells(notebook: NotebookNode, remote: Remote, limits: Limits) -> GraderError | None:
    """Run all code cells; return why it stopped, or None."""
    client: Any = NotebookClient(notebook, timeout=None)
    client.km, kernel = _Manager(), WireKernelClient(remote, limits)
    client.kc = kernel
    for index, cell in enumerate(notebook.cells):
        try:
            await client.async_execute_cell(cell, index)
        except CellExecutionError as error:
            if kernel.failure is not None:
                return _at(cell, kernel.failure)
            return _raised(cell, error)
        finally:
            if kernel.pending is not None:
                await kernel.pending
    return None


def _at(cell: NotebookNode, failure: GraderError) -> GraderError:
    if isinstance(failure, LimitExceeded):
        return LimitExceeded(f"cell `{cell_key(cell)}`: {failure}")
    return failure if isinstance(failure, GraderFault) else type(failure)(f"cell `{cell_key(cell)}`: {failure}")


def _raised(cell: NotebookNode, error: CellExecutionError) -> SubmissionFailed:
    name, text = clean(str(error.ename), 100), clean(str(error.evalue), 500)
    if name == "NotImplementedError":
        return NotImplementedYet(text.split(" is not")[0] or cell_key(cell))
    trace = "\n".join(
        clean(str(line), 2000) for line in (cell.outputs[-1].get("traceback", []) if cell.outputs else [])
    )
    return StudentException(
        f"cell `{cell_key(cell)}` raised {name}: {text}" if text else f"cell `{cell_key(cell)}` raised {name}", trace
    )


class NotebookRun:
    """One notebook of a submission, run in a thread of its own; asking for its outcome waits for it."""

    def __init__(
        self, spec: NotebookSpec, provided: NotebookNode, submitted: bytes | None, remote: Remote, limits: Limits
    ) -> None:
        self.spec = spec
        self.remote = remote
        self.notes: list[str] = []
        self.executed: NotebookNode | None = None
        self._provided = provided
        self._submitted = submitted
        self._limits = limits
        self._future: Future[GraderError | None] | None = None

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Begin the run."""
        self._future = pool.submit(self._run)

    def failure(self) -> GraderError | None:
        """Wait for the run's end; return why it stopped early, or None."""
        assert self._future is not None
        return self._future.result()

    def _run(self) -> GraderError | None:
        try:
            submitted = None
            if self._submitted is not None:
                submitted = parse(self._submitted)
            elif self.spec.required:
                return StudentException(f"`{self.spec.path}` is not in the submission")
            else:
                self.notes.append("it is not in the submission: the notebook of the assignment was run in its place")
            notebook, notes = restore(self._provided, submitted, keep_extra=self.spec.keep_extra_cells)
            self.notes += notes
            self.executed = notebook
            return asyncio.run(_run_cells(notebook, self.remote, self._limits))
        except GraderError as error:
            return error
        except Exception as error:
            return GraderFault(f"running `{self.spec.path}` failed: {error!r}")


class Notebook:
    """`notebook`: a finished notebook in a check. ``notebook["x"]`` names what its cells defined as ``x``."""

    def __init__(self, run: NotebookRun, case: Case) -> None:
        self._run = run
        self._case = case

    def must_run(self) -> None:
        """Raise why the notebook stopped, if it did not run from the first cell to the last."""
        failure = self._run.failure()
        if failure is not None:
            raise failure

    def __getitem__(self, name: str) -> Value:
        """Return what the notebook's cells defined under a name, to be fetched or called."""
        self.must_run()
        return Value(self._case, [["name", name]], name)
