"""The worker: serves calls into the student's modules, or runs the cells of a notebook, inside the
box.

Theory of operation. This process belongs to the student from the first imported line on: they may
patch anything here. So it is given nothing but the inputs of the call at hand, keeps no verdict,
and what it sends back is believed by nobody. All it has to do well is to serve an honest student:
fresh copies of every input, the student's objects kept as they are behind handles, exceptions
and prints sent as text.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from grader.sandbox.inside.work.alarm import TimeUp, ends_after
from grader.sandbox.inside.work.calls.arguments import can_change, is_numbers, named, unchanged
from grader.sandbox.inside.work.calls.case_files import CaseFiles
from grader.sandbox.inside.work.calls.figures import Figures
from grader.sandbox.inside.work.calls.handed_in import AsWritten, HandedIn, imported, reading
from grader.sandbox.inside.work.calls.stubs import is_stub
from grader.sandbox.inside.work.calls.unused_names import unused
from grader.sandbox.inside.work.cells.bindings import Bindings
from grader.sandbox.inside.work.cells.probe import WithoutKernel, probe
from grader.sandbox.inside.work.exception_text import describe, inside, without
from grader.sandbox.inside.work.files.loading import Loading
from grader.sandbox.inside.work.process.surroundings import Surroundings, lay
from grader.sandbox.inside.work.second_runs.reference_answers import Answers
from grader.sandbox.inside.work.second_runs.stand_ins import StandIns
from grader.sandbox.wire import (
    MAX_NODES,
    RETURNED_DEPTH,
    Channel,
    Decoder,
    Encoder,
    Frame,
    Ref,
    TooLarge,
    WireClosed,
    WireError,
)
from grader.sandbox.wire_outputs import OutputRoom
from grader.sandbox.wire_types import VIEWS

PRINT_CAP = 20_000  # characters kept of what one call prints
_exit = os._exit  # as it was before any student code
MOST_NAMES = 50_000  # of a notebook
AT_LEAST_SECONDS = 0.05  # of a call that is made once more
# Functions of Python's that take all items of an iterator.
EXHAUSTING = frozenset(
    ("list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "max", "min", "all", "any")
)


class CappedText(io.TextIOBase):
    """A stand-in for standard output that keeps the first characters and counts the rest."""

    def __init__(self, cap: int = PRINT_CAP) -> None:
        super().__init__()
        self._cap = cap
        self._parts: list[str] = []
        self._kept = 0
        self._lost = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Keep what still fits."""
        room = self._cap - self._kept
        if room > 0:
            self._parts.append(text[:room])
            self._kept += len(self._parts[-1])
        self._lost += max(0, len(text) - max(room, 0))
        return len(text)

    def take(self) -> str:
        """Return what was kept, with a note of what was not, and start anew."""
        text = "".join(self._parts)
        if self._lost:
            text += f"\n… {self._lost} more characters were not kept"
        self._parts, self._kept, self._lost = [], 0, 0
        return text


class Worker:
    """Serves one box: a folder with the student's files, the modules in it, and the objects
    that stay here by handle.
    """

    def __init__(self, channel: Channel, root: Path) -> None:
        self.channel = channel
        self.root = root
        self.objects: dict[int, Any] = {}
        self.namespace: dict[str, Any] = {}
        # a notebook's functions as the cells that define them left them
        self.kept: dict[str, Any] = {}
        self.bindings: Bindings | None = None  # of a notebook's names
        self.printed = CappedText()
        self.has_kernel = False  # whether it runs a notebook
        self.stand_ins: StandIns | None = None
        self.renews = False  # whether stand-ins take the place of what each cell defines
        self.answers = Answers()
        self.figures = Figures()
        self.handed_in = HandedIn(self)
        self.files = CaseFiles(root)
        self.surroundings = Surroundings(root)
        self.loading = Loading(root, self.surroundings.runs)
        self._next = 0

    def serve(self) -> None:
        """Answer requests until the other side closes."""
        sys.stdout = sys.stderr = self.printed  # an import may print too
        sys.path.insert(0, str(self.root))
        os.environ["PWD"] = str(self.root)
        process = os.getpid()
        while True:
            try:
                frame = self.channel.receive()
            except WireClosed:
                return
            if frame.body.get("op") == "called":  # for a call that was interrupted meanwhile
                continue
            try:
                reply = self._answer(frame)
                if os.getpid() != process:  # student code forked, and this is the other process
                    _exit(0)
                self._send(reply)
            except WireClosed:
                return

    def _send(self, reply: Frame) -> None:
        try:
            self.channel.send(reply)
        except TooLarge as error:  # found out before a byte of it was sent
            self.channel.send(unsendable(error))

    def _answer(self, frame: Frame) -> Frame:
        reply = self.perform(frame)
        if frame.body.get("op") != "execute":
            reply.body["printed"] = without(self.root, self.printed.take())
        if passed_over := self.loading.take():
            reply.body["passed_over"] = passed_over
        return reply

    def perform(self, frame: Frame) -> Frame:
        """Do what is asked and return the reply, whatever it raises."""
        try:
            reply: Frame = getattr(self, f"do_{frame.body.get('op')}")(frame)
        except WireError as error:
            reply = unsendable(error)
        # SystemExit and KeyboardInterrupt of the student's are reported, and the box goes on
        except BaseException as error:
            reply = self._failed(error)
        return reply

    def _failed(self, error: BaseException) -> Frame:
        raised = describe(error, self.root)
        return Frame({"ok": False, "interrupted": isinstance(error, TimeUp), "error": raised})

    # --- operations -------------------------------------------------------------------------------

    def do_several(self, frame: Frame) -> Frame:
        """Do one after the other, up to the first that fails; the last one's reply is that of
        all.
        """
        reply, first = Frame({"ok": True}), 0
        for done, (body, count) in enumerate(frame.body["steps"]):
            reply = self.perform(Frame(body, frame.blobs[first : first + count]))
            first += count
            reply.body["done"] = done
            if not reply.body["ok"]:
                break
        return reply

    def do_stage(self, frame: Frame) -> Frame:
        """Lay down the tree: links to the provided files, copies of the student's; a notebook's
        kernel comes first.

        What fails until a student's file lies there is the grader's fault, and this is the last
        that can.
        """
        if frame.body.get("notebook"):
            from grader.sandbox.inside.work.cells.kernel import (
                Kernel,  # IPython: only where a notebook is run
            )

            kernel = Kernel.of(self.channel, self.root)
            self.namespace, self.kept, self.has_kernel = kernel.namespace, kernel.kept, True
            self.bindings = kernel.bindings
            kernel.surroundings = self.surroundings
        links = [(self.root / target, Path(source)) for target, source in frame.body["links"]]
        for place, source in links:
            place.parent.mkdir(parents=True, exist_ok=True)
            lay(source, place)
        self.surroundings.provide(links)
        for target, index in frame.body["files"]:
            place = self.root / target
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.write_bytes(frame.blobs[index])
        left_out = [(file, number) for file, number in frame.body.get("left_out", ())]
        says_places = bool(frame.body.get("says_places"))
        self.loading.begin(self._place_sayer() if says_places else None, left_out)
        return Frame({"ok": True})

    def _place_sayer(self) -> Callable[[str, int], None]:
        """Return what tells the trusted side which statement of a module is about to be run."""
        process = os.getpid()

        def say(file: str, number: int) -> None:
            if os.getpid() == process:  # student code may have forked
                self.channel.send(Frame({"op": "place", "file": file, "number": number}))

        return say

    def do_reset(self, frame: Frame) -> Frame:
        """Begin a new case: forget what earlier cases left, and start the global random state at a
        known point.
        """
        self.objects.clear()
        self.answers.forget()
        self.handed_in.new_case()
        self.files.forget()
        self.surroundings.begin_case()
        if self.stand_ins is not None:
            self.stand_ins.forget()
        seed = int(frame.body["seed"]) % (1 << 32)
        np.random.seed(seed)
        random.seed(seed)
        return Frame({"ok": True})

    def do_call(self, frame: Frame) -> Frame:
        """Call a function of the student with fresh copies of the arguments.

        A call that raises is made once more if student code has changed the libraries or settings
        of the process that it may need, without these changes.
        """
        start = time.monotonic()
        first: Frame | None = None
        with contextlib.closing(self.surroundings.ways()) as ways:
            for _ in ways:
                seconds = frame.body.get("seconds", 0.0)
                if first is not None and seconds:
                    seconds = max(seconds - (time.monotonic() - start), AT_LEAST_SECONDS)
                reply = self._called(frame, seconds)
                if reply.body["ok"]:
                    return reply
                first = first or reply
                if reply.body["interrupted"]:
                    break
        assert first is not None
        return first

    def _called(self, frame: Frame, seconds: float) -> Frame:
        """Call a function once, for so many seconds at the most."""
        try:
            return self._call(frame, seconds)
        except WireError:
            raise
        except BaseException as error:  # of importing the module that should have the function
            return self._failed(error)

    def _call(self, frame: Frame, seconds: float) -> Frame:
        decoder = self.decoder(frame.blobs)
        sys.stdout = sys.stderr = self.printed  # a notebook's cells have streams of their own
        function = self._walk(frame.body["target"], decoder)
        args = decoder.decode(frame.body["args"])
        kwargs = decoder.decode(frame.body["kwargs"])
        before = self._copies(frame, args, kwargs)
        start = time.perf_counter()
        own = self._is_own(function)
        keeping = self.figures.kept() if own else contextlib.nullcontext()
        given, limit = reading(frame.body.get("stdin")), ends_after(seconds)
        with keeping, given, self.handed_in.under_way(), limit:
            try:
                result = function(*args, **kwargs)
            except TimeUp:
                raise
            except BaseException as error:  # what became of the arguments is of interest even so
                reply = self._failed(error)
                return Frame({**reply.body, **self._changes(before, Encoder(self.keep))})
        seconds = time.perf_counter() - start
        reply = self._returned(frame, result, before, seconds)
        reply.body["stub"] = own and is_stub(function, parts_of(result))
        return reply

    def _returned(
        self,
        frame: Frame,
        result: Any,
        before: list[tuple[str, Any, Any]],
        seconds: float,
    ) -> Frame:
        """Return what a call gave, as the trusted side takes it."""
        encoder = Encoder(self.keep, frame.body.get("most"), RETURNED_DEPTH)
        container = container_of(result)
        body = {
            "ok": True,
            "container": container,
            "values": [self._one(encoder, item) for item in parts_of(result)],
            "seconds": seconds,
            **self._changes(before, encoder),
        }
        if container and frame.body.get("single"):
            body["whole"] = encoder.encode(self.keep(result))
        return Frame(body, tuple(encoder.blobs))

    def _changes(self, before: list[tuple[str, Any, Any]], encoder: Encoder) -> dict[str, Any]:
        """Return the names of the arguments that differ from their copies, and handles of them."""
        modified, became = [], {}
        for name, value, copy in before:
            if not unchanged(value, copy):
                modified.append(name)
                became[name] = encoder.encode(self.keep(value))
        return {"modified": modified, "became": became} if became else {"modified": modified}

    def _copies(
        self, frame: Frame, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[tuple[str, Any, Any]]:
        """Return the arguments that a call could change, with a second copy of each."""
        copies = []
        containers = []
        for name, value in named(args, kwargs):
            if is_numbers(value):
                copies.append((name, value, value.copy()))
            elif can_change(value):
                containers.append((name, value))
        if containers:
            decoder = self.decoder(frame.blobs)
            again = decoder.decode(frame.body["args"]), decoder.decode(frame.body["kwargs"])
            second = dict(named(*again))
            copies += [(name, value, second[name]) for name, value in containers]
        return copies

    def _is_own(self, function: Any) -> bool:
        """Return whether a function is the student's: of a file of the tree, or of a notebook's
        cells.
        """
        try:
            code = inspect.unwrap(function).__code__
            return (
                bool(inside(code.co_filename, self.root)) or function.__globals__ is self.namespace
            )
        except Exception:  # a class, or an object that can be called
            return True

    def do_ask_for(self, frame: Frame) -> Frame:
        """Call a function of Python's own with what is here, and send what it returns as a value
        itself.
        """
        decoder = self.decoder(frame.blobs)
        sys.stdout = sys.stderr = self.printed
        function = self._walk(frame.body["target"], decoder)
        args, kwargs = decoder.decode(frame.body["args"]), decoder.decode(frame.body["kwargs"])
        if frame.body["target"][-1][1] in EXHAUSTING:
            args = tuple(ending(one) if isinstance(one, Iterator) else one for one in args)
        with self.handed_in.under_way():
            result = function(*args, **kwargs)
        encoder = Encoder(self.keep, frame.body.get("most"), RETURNED_DEPTH)
        return Frame({"ok": True, "value": encoder.encode(result)}, tuple(encoder.blobs))

    def do_keep(self, frame: Frame) -> Frame:
        """Keep what a path leads to under a handle, so that it can be an argument."""
        value = self._walk(frame.body["target"], self.decoder(frame.blobs))
        return Frame({"ok": True, "value": Encoder().encode(self.keep(value))})

    def do_substitute(self, frame: Frame) -> Frame:
        """Put stand-ins in the place of some of the student's functions, for as long as this
        process lives.
        """
        if self.stand_ins is None:
            self.stand_ins = StandIns(self._ask, self.root, self.namespace)
        self.stand_ins.own_caches = bool(frame.body["own_caches"])
        self.stand_ins.install(frame.body["replaced"], frame.body["watched"])
        self.renews = bool(frame.body["renew"])
        return Frame({"ok": True})

    def do_answer(self, frame: Frame) -> Frame:
        """Answer for a stand-in in another box: this one holds the reference."""
        return self.answers.answer(frame)

    def _ask(self, body: dict[str, Any], blobs: tuple[bytes, ...]) -> Frame:
        """Ask the trusted side in the middle of a call, and wait for its answer."""
        self.channel.send(Frame(body, blobs))
        return self.channel.receive()

    def do_fetch(self, frame: Frame) -> Frame:
        """Send a value itself: containers of plain data too; what is not plain goes as its type's
        name.
        """
        with ends_after(frame.body.get("seconds", 0.0)):  # if it may import a module
            value = self._walk(frame.body["target"], self.decoder(frame.blobs))
        encoder = Encoder(self.keep, frame.body.get("most"), RETURNED_DEPTH)
        return Frame({"ok": True, "value": encoder.encode(value)}, tuple(encoder.blobs))

    def do_unused(self, frame: Frame) -> Frame:
        """Send the names that a function of the student's is given or sets and never reads."""
        function = self._walk(frame.body["target"], self.decoder(frame.blobs))
        names = unused(function) if self._is_own(function) else []
        return Frame({"ok": True, "names": names})

    def do_set(self, frame: Frame) -> Frame:
        """Set an attribute or an item of something that is kept here."""
        decoder = self.decoder(frame.blobs)
        *path, (kind, key) = frame.body["target"]
        owner = self._walk(path, decoder)
        value = decoder.decode(frame.body["value"])
        if kind == "attr":
            setattr(owner, key, value)
        else:
            owner[decoder.decode(key)] = value
        return Frame({"ok": True})

    def do_delete(self, frame: Frame) -> Frame:
        """Delete an attribute or an item of something that is kept here."""
        decoder = self.decoder(frame.blobs)
        *path, (kind, key) = frame.body["target"]
        owner = self._walk(path, decoder)
        if kind == "attr":
            delattr(owner, key)
        else:
            del owner[decoder.decode(key)]
        return Frame({"ok": True})

    def do_put_file(self, frame: Frame) -> Frame:
        """Lay down a file for the case at hand."""
        self.files.put(frame.body["name"], frame.blobs[0])
        return Frame({"ok": True})

    def do_read_file(self, frame: Frame) -> Frame:
        """Send what is in a file."""
        content = self.files.read(frame.body["name"])
        return Frame(
            {"ok": True, "found": content is not None}, () if content is None else (content,)
        )

    def do_written_files(self, frame: Frame) -> Frame:
        """Send the names of the files that the case has written."""
        return Frame({"ok": True, "names": self.files.written()})

    def do_execute(self, frame: Frame) -> Frame:
        """Run one cell of a notebook; its outputs go ahead of the reply, as messages of their
        own.
        """
        from grader.sandbox.inside.work.cells.kernel import Kernel

        kernel = Kernel.of(self.channel, self.root)
        body = frame.body
        kernel.room = OutputRoom(*body["room"])
        try:
            told = kernel.execute(
                str(body["code"]),
                float(body.get("seconds", 0.0)),
                body.get("keep", ()),
                provided=bool(body.get("provided")),
                defines=bool(body.get("defines")),
            )
        finally:
            kernel.room = None
        if self.renews and self.stand_ins is not None:
            self.stand_ins.renew()
        return Frame(told)

    def do_probe(self, frame: Frame) -> Frame:
        """Run an author's code beside a notebook's objects or the student's files, in a fork of
        this process.
        """
        if not self.has_kernel:
            return Frame({"ok": True, "told": probe(WithoutKernel(self.channel), frame.body)})
        from grader.sandbox.inside.work.cells.kernel import Kernel

        return Frame({"ok": True, "told": probe(Kernel.of(self.channel, self.root), frame.body)})

    def do_names(self, frame: Frame) -> Frame:
        """Send the names that a notebook's cells have left; none of them hides Python's own
        functions, or a function that a cell was asked to define.
        """
        rebound = [name for name, value in self.kept.items() if self._is_taken(name, value)]
        self.namespace |= {name: self.kept[name] for name in rebound}
        mended = self.surroundings.swapped
        if self.bindings is not None:
            mended += self.bindings.unshadow()
            self.bindings.undelete()
        names = [name[:200] for name in self.namespace if isinstance(name, str)]
        body = {"names": names[:MOST_NAMES], "rebound": rebound[:MOST_NAMES], "mended": mended}
        return Frame({"ok": True, **body})

    # --- values -----------------------------------------------------------------------------------

    def _one(self, encoder: Encoder, value: Any) -> Any:
        """Arrays and scalars are sent; containers and objects stay here."""
        if isinstance(value, dict | list | tuple):
            return encoder.encode(self.keep(value))
        return encoder.encode(value)

    def keep(self, value: Any) -> Ref:
        """Keep a value under a new handle."""
        self._next += 1
        self.objects[self._next] = value
        try:
            size = len(value)
        except Exception:
            size = -1
        kind = type(value)
        name = (
            kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        )
        if kind is np.ndarray:
            name = f"ndarray of dtype {value.dtype}"
        return Ref(
            self._next, name[:200], size if isinstance(size, int) and 0 <= size < 1 << 31 else -1
        )

    def decoder(self, blobs: tuple[bytes, ...]) -> AsWritten:
        """Return what decodes values of the other side."""
        made = AsWritten(blobs, self._resolve)
        made.handed_in = self.handed_in
        return made

    def _resolve(self, ref: Ref) -> Any:
        if ref.handle not in self.objects:
            raise WireError("a handle of an earlier case")
        return self.objects[ref.handle]

    def _is_taken(self, name: str, function: Any) -> bool:
        """Return whether a later cell put its result, or a library's function by `import *`, in the
        place of a function that is asked for.
        """
        now = self.namespace.get(name)
        if now is function:
            return False
        return not callable(now) or self.surroundings.is_librarys(name, now)

    def _named(self, name: str) -> Any:
        """Return what a notebook's cells left under a name."""
        if name not in self.namespace:
            raise NameError(f"the notebook defines no `{name}`")
        return self.namespace[name]

    def _imported(self, name: str) -> Any:
        """Return a module; what importing it changes of the process is put back."""
        if name in sys.modules:
            return sys.modules[name]
        raised = True
        try:
            module = imported(name)
            raised = False
        finally:
            sys.stdout = sys.stderr = self.printed
            self.surroundings.mend(raised=raised)
            self.surroundings.look()
        return module

    def _walk(self, path: list[Any], decoder: Decoder) -> Any:
        value: Any = None
        for kind, key in path:
            if kind == "module":
                value = self._imported(key)
            elif kind == "handle":
                value = self._resolve(Ref(int(key), ""))
            elif kind == "name":
                value = self._named(key)
            elif kind == "attr":
                value = getattr(value, key)
            else:
                value = value[decoder.decode(key)]
        return value


def container_of(result: Any) -> str:
    """Return what kind of container a function returned its values in, "" for a single value."""
    if isinstance(result, tuple):
        return "tuple"
    return "list" if isinstance(result, (list, *VIEWS)) else ""


def parts_of(result: Any) -> list[Any]:
    """Return the values that a function returned."""
    return list(result) if container_of(result) else [result]


def ending(items: Iterator[Any]) -> Iterator[Any]:
    """Yield the items of an iterator, of which more than can be sent may have no end."""
    for count, item in enumerate(items):
        if count == MAX_NODES:
            raise TooLarge(f"an iterator of more than {MAX_NODES} items")
        yield item


def unsendable(error: WireError) -> Frame:
    """Return the reply that says why there is no other."""
    return Frame(
        {"ok": False, "error": {"type": type(error).__name__, "message": str(error), "frames": []}}
    )


def mute() -> None:
    """Point the process's own standard streams nowhere: what a student writes to them below Python
    is lost.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    sys.stdin = open(os.devnull)  # noqa: SIM115 - stays open as long as the process lives


def main() -> None:
    """Start a plain worker: the socket comes as a file descriptor, or on Windows as shared data on
    standard input.
    """
    if sys.platform == "win32":
        sock = socket.fromshare(sys.stdin.buffer.read())
    else:
        sock = socket.socket(fileno=int(sys.argv[1]))
        sock.set_inheritable(False)
    sys.dont_write_bytecode = True
    mute()
    root = Path.cwd()
    Worker(Channel(sock), root).serve()


if __name__ == "__main__":
    main()
