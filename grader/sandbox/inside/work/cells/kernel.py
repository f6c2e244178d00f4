"""A notebook's kernel: an IPython shell in the worker, its outputs sent as Jupyter messages over
the box's own wire.

No ZMQ, no thread and no second socket: what runs the notebook is the process that serves calls, so
functions which a notebook defines are called in the very namespace that its cells left behind.
"""

from __future__ import annotations

import ast
import base64
import builtins
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar, NoReturn

import matplotlib
import numpy as np
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from IPython.paths import get_ipython_dir
from IPython.utils.text import LSString, SList
from matplotlib.backends.registry import backend_registry
from traitlets.config import Config

from grader.sandbox.inside.work.alarm import TimeUp, ends_after
from grader.sandbox.inside.work.cells.bindings import Bindings
from grader.sandbox.inside.work.cells.cell_definitions import CellDefinitions
from grader.sandbox.inside.work.exception_text import without
from grader.sandbox.inside.work.process.surroundings import ProcessSettings, Surroundings
from grader.sandbox.wire import Channel, Frame, TooLarge
from grader.sandbox.wire_outputs import LOST, OutputRoom

FLUSH_CHARACTERS = 16_384
FLUSH_SECONDS = 0.2
PIECE = 1 << 20  # characters of a stream in one message: a line may be as long as memory
NO_COMMANDS = "A command of the shell was not run: there is none while a notebook is graded."
DEFINING_SECONDS = 1.0  # for the definitions of a cell that did not run to its end
MOST_FRAMES = 200  # of a traceback
DENIED = {
    "multiprocessing": "semaphores",
    "socket": "network",
    "urllib": "network",
    "http": "network",
}
# what a cell raises if an earlier one has set it so, or has gone to another folder
SET_TO_RAISE = (FloatingPointError, Warning, OSError, ImportError)
EXTENSIONS = ("load_ext", "reload_ext")
_NUMPYS = np.random  # kept from before any code of a student's runs
INLINE = "module://matplotlib_inline.backend_inline"


class Stream:
    """Standard output or error of the cells: text is gathered and sent in pieces of some size."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel = kernel
        self.name = name
        self._parts: list[str] = []
        self._size = 0
        self._since = time.monotonic()

    def write(self, text: str) -> int:
        """Gather text; send it when there is enough of it or it has waited long enough."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        self._size += len(text)
        if self._size > FLUSH_CHARACTERS or time.monotonic() - self._since > FLUSH_SECONDS:
            self.flush()
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._parts:
            text, self._parts, self._size = "".join(self._parts), [], 0
            for start in range(0, len(text), PIECE):
                self._kernel.send(
                    "stream", {"name": self.name, "text": text[start : start + PIECE]}
                )
        self._since = time.monotonic()

    def isatty(self) -> bool:
        """Return False: nobody is at a terminal."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return False."""
        return False


class Publisher(DisplayPublisher):
    """Sends what cells display."""

    kernel: Kernel

    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        """Send a display, or the update of an earlier one."""
        content = {"data": plain(data), "metadata": metadata or {}, "transient": transient or {}}
        self.kernel.send("update_display_data" if update else "display_data", content)

    def clear_output(self, wait: bool = False) -> None:
        """Send the wish to clear the cell's output."""
        self.kernel.send("clear_output", {"wait": bool(wait)})


class Hook(DisplayHook):
    """Sends the value of a cell's last expression."""

    kernel: Kernel

    def write_output_prompt(self) -> None:
        """Print no prompt."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        """Send the value's representations."""
        content = {
            "execution_count": self.prompt_count,
            "data": plain(format_dict),
            "metadata": md_dict or {},
        }
        self.kernel.send("execute_result", content)

    def finish_displayhook(self) -> None:
        """Flush, without the newline of a terminal."""
        sys.stdout.flush()


class Shell(InteractiveShell):
    """An IPython shell that sends tracebacks as messages."""

    kernel: Kernel
    runs: Callable[[CodeType], None] = staticmethod(lambda code: None)

    def _showtraceback(
        self, etype: type[BaseException], evalue: BaseException, stb: list[str]
    ) -> None:
        self.kernel.last_error = {
            "ename": str(etype.__name__),
            "evalue": str(evalue),
            "traceback": list(stb),
        }
        self.kernel.raised(dict(self.kernel.last_error))

    async def run_code(
        self, code_obj: CodeType, result: Any = None, *, async_: bool = False
    ) -> bool:
        """Run a statement of a cell, which may change libraries."""
        self.runs(code_obj)
        parent: Any = super()
        failed: bool = await parent.run_code(code_obj, result, async_=async_)
        return failed

    def ask_exit(self) -> None:
        """End the notebook: what `exit()` and `quit()` ask for."""
        raise SystemExit

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept any GUI's name and start none."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str | None, str]:
        """Draw inline even if a cell asks for a window: there is no screen."""
        if gui not in (None, "auto", "inline", "agg"):
            sys.stderr.write(f"Figures are drawn inline: `%matplotlib {gui}` needs a window.\n")
        parent: Any = super()
        enabled: tuple[str | None, str] = parent.enable_matplotlib("inline")
        return enabled

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run a line magic; one that is not there, or an extension that is not installed, is said
        and passed over.
        """
        if self.find_line_magic(magic_name) is None:
            sys.stderr.write(f"The magic `%{magic_name}` was not run: it is not there.\n")
            return None
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except ImportError as error:
            if magic_name not in EXTENSIONS:
                raise
            sys.stderr.write(f"`%{magic_name} {line}` was not run: {error}.\n")
            return None

    def system(self, cmd: str) -> None:
        """Run no command of the shell, on any tier, but go on: what `!pip install` asks for is
        mostly there.
        """
        sys.stderr.write(f"{NO_COMMANDS}\n")
        self.user_ns["_exit_code"] = 127

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        """Run no command of the shell, and return no output."""
        self.system(cmd)
        return SList([]) if split else LSString("")


class RandomStates:
    """The state of the global random generators, as cells of the assignment go on with it.

    A scratch cell that draws, or seeds, does not change what cells of the assignment draw later.
    """

    def __init__(self) -> None:
        self._kept: tuple[Any, Any] | None = None  # NumPy's and Python's, if scratch cells ran

    def keep(self) -> None:
        """Keep the state: the first of some scratch cells is about to run."""
        if self._kept is None:
            with suppress(Exception):  # of a generator of another kind, for one
                self._kept = (_NUMPYS.get_state(), random.getstate())

    def go_on(self) -> None:
        """Take up the state from before the scratch cells."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(Exception):
                _NUMPYS.set_state(kept[0])
                random.setstate(kept[1])

    def forget(self) -> None:
        """Let the assignment's next cell go on from here."""
        self._kept = None


class Kernel:
    """Runs cells in order in one namespace."""

    _made: ClassVar[Kernel | None] = None

    def __init__(self, channel: Channel, root: Path) -> None:
        self._channel = channel
        self._root = root
        self.last_error: dict[str, Any] = {}
        # functions and classes as the cells that define them left them
        self.kept: dict[str, Any] = {}
        os.environ["MPLBACKEND"] = INLINE
        self.shell = make_shell()
        settle_in(self.shell)
        parts: tuple[Any, ...] = (self.shell, self.shell.display_pub, self.shell.displayhook)
        for part in parts:
            part.kernel = self
        self.shell.runs = lambda code: self.surroundings.runs(code)
        self.namespace: dict[str, Any] = self.shell.user_ns
        builtins.input = no_input
        self.bindings = Bindings(self.namespace)
        self.surroundings = Surroundings(root)
        self.random_states = RandomStates()
        # the messages of a cell's exception, if the cell may be run once more; None: they are sent
        self.held: list[dict[str, Any]] | None = None
        self._process = 0  # in which the cell at hand was begun
        # for messages of the cell at hand; outside of cells none are sent
        self.room: OutputRoom | None = None
        self.stdout, self.stderr = Stream(self, "stdout"), Stream(self, "stderr")
        # imported before this notebook began, so not by its set-up
        if "matplotlib.pyplot" in sys.modules:
            self.shell.run_line_magic("matplotlib", "inline")
        # matplotlib itself has been imported, and has taken its backend from the environment as it
        # was
        else:
            matplotlib.rcParams["backend"] = INLINE

    @classmethod
    def of(cls, channel: Channel, root: Path) -> Kernel:
        """Return the one kernel of this process; the first call makes it."""
        if cls._made is None:
            cls._made = cls(channel, root)
        return cls._made

    def send(self, kind: str, content: dict[str, Any]) -> None:
        """Send one message to the trusted side, if there is room for it; a process that a cell
        forked sends none.
        """
        room = self.room  # a thread of the student's may outlast the cell
        if room is None or os.getpid() != self._process:
            return
        if kind != "stream":
            self.stdout.flush()
            self.stderr.flush()
        content = jsonable(content, self._root)
        lost = room.lost
        if not room.takes(kind, content):
            if lost or not room.lost:
                return
            kind, content = LOST, {}  # the first for which there is none
        try:
            self._channel.send(Frame({"op": "message", "type": kind, "content": content}))
        # a picture of many megabytes, for one: the notebook goes on without it
        except TooLarge as error:
            self.send("stream", {"name": "stderr", "text": f"\nAn output was not kept: {error}.\n"})

    def raised(self, told: dict[str, Any]) -> None:
        """Send the message of an exception, or hold it back."""
        if self.held is None:
            self.send("error", told)
        else:
            self.held.append(told)

    def execute(
        self,
        code: str,
        seconds: float = 0.0,
        keep: Sequence[str] = (),
        *,
        provided: bool = False,
        defines: bool = False,
    ) -> dict[str, Any]:
        """Run one cell, for so many seconds at the most, and return the reply.

        keep: names whose values are remembered if they can be called: a later cell may bind them to
        something else
        provided: whether the cell is the assignment's own, on whose names others count
        defines: whether only the cell's definitions are made: it has ended a process before
        """
        self.last_error, self._process = {}, os.getpid()
        before = dict(self.namespace) if provided else {}
        self.surroundings.look()
        self._draw_from_here(provided=provided, scratch=not provided and not keep)
        set_before = ProcessSettings.now()
        if defines:
            self._define(code, keep)
            error, again = None, list[str]()
        else:
            result, again = self._run(code, seconds, set_before)
            error = result.error_before_exec or result.error_in_exec
        # of `%%capture` no exception comes out
        hidden = bool(self.last_error) and not all(map(self.namespace.__contains__, keep))
        if (error is not None or hidden) and not provided:
            self._define(code, keep, error)
        self.kept |= {
            name: self.namespace[name] for name in keep if callable(self.namespace.get(name))
        }
        raised = error is not None
        if provided:
            self.bindings.lend(before, code)
            mended = self.surroundings.mend(raised=raised)
            self.surroundings.count_on(set_before)
        else:
            mended = self.bindings.give_back()
            mended += self.surroundings.mend(raised=raised, printing=not keep)
        self.bindings.look()
        self.surroundings.note_swaps(meant=provided or bool(keep))
        count = self.shell.execution_count - 1
        if error is None:
            told = {"status": "ok", "execution_count": count, "mended": mended, "again": again}
            return {"ok": True, **told}
        told = {"execution_count": count, "mended": mended, "again": []}
        return {"ok": True, "status": "error", **told, **self._trouble(error)}

    def _draw_from_here(self, *, provided: bool, scratch: bool) -> None:
        """Settle which random numbers a cell draws, before it runs."""
        if provided:
            self.random_states.go_on()
        elif scratch:
            self.random_states.keep()
        else:
            self.random_states.forget()

    def _define(self, code: str, keep: Sequence[str], error: BaseException | None = None) -> None:
        """Make the definitions of a cell behind the statement that raised, or all of them."""
        rest = CellDefinitions(code, self.shell.transform_cell, keep)
        name = self.shell.compile.cache(code)

        def compiled(tree: ast.Module) -> CodeType:
            compiler: Any = self.shell.compile
            made: CodeType = compiler(tree, name, "exec")
            return made

        with suppress(TimeUp), ends_after(DEFINING_SECONDS):
            rest.make(self.namespace, compiled, error.__traceback__ if error is not None else None)

    def _trouble(self, error: BaseException) -> dict[str, Any]:
        """Return what a reply says of a cell's exception."""
        told = self.last_error or {
            "ename": type(error).__name__,
            "evalue": str(error),
            "traceback": [],
        }
        return {
            **jsonable(told, self._root),
            "interrupted": isinstance(error, TimeUp),
            "missing": missing_name(error),
            "denied": denied(error),
        }

    def _run(self, code: str, seconds: float, set_before: ProcessSettings) -> tuple[Any, list[str]]:
        """Run a cell; if it raises what settings of earlier cells explain, run it once more without
        these settings, which are ``set_before`` it. Returns their names beside the result.
        """
        differing = self.surroundings.settings.differing(set_before)
        self.held = [] if differing else None
        start = time.monotonic()
        result = self._run_once(code, seconds)
        told, self.held = self.held or [], None
        left = seconds - (time.monotonic() - start) if seconds else 0.0
        error = result.error_in_exec
        if told and isinstance(error, SET_TO_RAISE) and (left > 0 or not seconds):
            self.surroundings.settings.establish()
            self.shell.execution_count -= 1
            try:
                return self._run_once(code, left), differing
            finally:
                self.surroundings.return_to(set_before)
        for one in told:
            self.send("error", one)
        return result, []

    def _run_once(self, code: str, seconds: float) -> Any:
        sys.stdout, sys.stderr = self.stdout, self.stderr
        with ends_after(seconds):
            result = self.shell.run_cell(code, store_history=True)
        self.stdout.flush()
        self.stderr.flush()
        return result


def missing_name(error: object) -> str:
    """Return the name that a cell did not find, if that is what it raised."""
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    return name if isinstance(name, str) else ""


def denied(error: object) -> str:
    """Return what a cell wanted that a box does not have, as far as the modules that its error came
    through tell.
    """
    if not isinstance(error, OSError):
        return ""
    trace = error.__traceback__
    for _ in range(MOST_FRAMES):
        if trace is None:
            break
        module = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in DENIED:
            return DENIED[module]
        trace = trace.tb_next
    return ""


def make_shell() -> Shell:
    """Return the one shell of this process; the first call makes it, which takes longer than many a
    notebook.
    """
    if not Shell.initialized():
        config = Config()
        config.HistoryManager.enabled = False  # no database, and none of its thread
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.autocall = 0
        config.InteractiveShell.cache_size = 0  # no hidden references to outputs
        Shell.instance(
            config=config,
            display_pub_class=Publisher,
            displayhook_class=Hook,
            user_ns={"__name__": "__main__"},
            ipython_dir="/",
            profile_dir=ProfileDir(),  # neither makes a folder: see settle_in
        )
    shell: Shell = Shell.instance()
    return shell


def settle_in(shell: Any) -> None:
    """Let a shell that may have been made before a fork know where it is."""
    shell.ipython_dir = get_ipython_dir()
    shell.profile_dir.location = os.path.join(shell.ipython_dir, "profile_default")
    shell.starting_dir = os.getcwd()
    shell.user_ns["_dh"][:] = [Path.cwd()]


def prepare() -> None:
    """Make the shell in a process that boxes will be forked from, and let it do what is slow the
    first time.
    """
    shell: Any = make_shell()
    shell.run_cell("pass", silent=True)
    shell.display_formatter.format(0)
    shell.find_line_magic("matplotlib")
    _ = shell.logger  # made when it is first asked for
    registry: Any = backend_registry
    # matplotlib looks through the entry points of every installed package, once
    registry.list_all()


def put_away() -> None:
    """Forget a prepared shell, in a box that runs no notebook: code there may ask whether it runs
    in one.
    """
    if Shell.initialized():
        Shell.instance().restore_sys_module_state()
        Shell.clear_instance()
        for name in ("__IPYTHON__", "display"):
            builtins.__dict__.pop(name, None)


def no_input(prompt: object = "") -> NoReturn:
    """Stand in for ``input()``: nobody is there to answer."""
    raise EOFError("input() was called, but nobody is there to answer while a notebook is graded")


# Its file can be read on one tier and not on another, and tracebacks are to say the same on all.
no_input.__code__ = no_input.__code__.replace(co_filename="<input>")


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return a MIME bundle with bytes (pictures) as base64 text, as notebooks store them."""
    return {
        key: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for key, value in data.items()
    }


def jsonable(value: Any, root: Path) -> Any:
    """Return a value as JSON data, its text without the box's own folder; what is not JSON is told
    by its text.
    """
    if isinstance(value, str):
        return without(root, value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): jsonable(item, root) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item, root) for item in value]
    return without(root, str(value))
