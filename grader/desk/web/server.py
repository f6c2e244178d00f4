"""Serves a desk: addresses, the socket, and the end."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from grader.classroom.marks import rerender
from grader.classroom.marks.decisions import NAME, Journal
from grader.classroom.run.result_store import Store, take_lock
from grader.desk.desk import Desk
from grader.desk.web.app import application
from grader.desk.web.guard import Door
from grader.desk.web.keys import Keys, keys_of
from grader.errors import UsageError
from grader.text import counted

LOCK = ".desk.lock"


@dataclass(frozen=True)
class DeskOptions:
    """The address and the users of a desk."""

    source: Path  # the class's folder
    host: str = "127.0.0.1"
    port: int = 8521
    graders: tuple[str, ...] = ()
    origin: str = ""  # by which browsers reach it, if that is not host and port: a reverse proxy's
    new_tokens: bool = False
    overrides: Path | None = None


@dataclass(frozen=True)
class ServedDesk:
    """A desk that can be served."""

    app: Callable[..., object]
    sockets: Sequence[socket.socket]
    addresses: Sequence[tuple[str, str]]  # of each grader
    write: Callable[[], str]


@contextlib.contextmanager
def opened(options: DeskOptions, alone: str) -> Iterator[ServedDesk]:
    """Open a class's desk.

    Raises `UsageError` if it may not be reached as asked, if the port is taken, or if another desk
    is open.
    alone: the name of the only grader, if none is named
    """
    _must_be_safe(options)
    store = Store(options.source)
    store.read_class()
    with (
        _held(options.source),
        _journal(options.source) as journal,
        _listening(options) as listener,
    ):
        keys = keys_of(journal, options.graders or (alone,), anew=options.new_tokens)
        door = _door(options, listener.getsockname()[1], keys)
        desk = Desk(store, journal, keys.graders, options.overrides)
        write = writer(desk)
        app = application(desk, door, write)
        address = (
            options.origin.rstrip("/")
            or f"http://{_shown(options.host)}:{listener.getsockname()[1]}"
        )
        addresses = [(grader, f"{address}/?token={keys.token(grader)}") for grader in keys.graders]
        yield ServedDesk(app, [listener], addresses, write)


def serve(desk: ServedDesk) -> None:
    """Answer requests until a signal ends it."""
    config = uvicorn.Config(
        desk.app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=list(desk.sockets))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _must_be_safe(options: DeskOptions) -> None:
    """Raise `UsageError` if others could reach a desk at which nobody is known by name."""
    if (not is_loopback(options.host) or options.origin) and not options.graders:
        raise UsageError(
            "others can reach this desk: name each grader by --grader NAME, so that each has an "
            "address of their own"
        )
    if options.origin:
        parts = urlsplit(options.origin)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
        ):
            raise UsageError(
                f"--origin {options.origin}: write it as https://HOST or https://HOST/PREFIX"
            )
    elif options.host in ("0.0.0.0", "::", ""):  # noqa: S104 - what is refused
        raise UsageError(
            f"--host {options.host or '(empty)'} names every network of this machine: say by "
            "--origin under which address browsers reach it, such as "
            "http://grading.example.edu:8521"
        )


def _door(options: DeskOptions, port: int, keys: Keys) -> Door:
    """Return the names by which requests may call this desk."""
    names = [f"{_shown(options.host)}:{port}"]
    if is_loopback(options.host):
        names = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    origins = {f"http://{name}" for name in names}
    hosts = {name.lower() for name in names}
    prefix, secure = "", False
    if options.origin:
        parts = urlsplit(options.origin)
        hosts = (
            {*hosts, parts.netloc.lower()} if is_loopback(options.host) else {parts.netloc.lower()}
        )
        origins = {f"{parts.scheme}://{parts.netloc}".lower()}
        prefix, secure = parts.path.rstrip("/"), parts.scheme == "https"
    return Door(keys, frozenset(hosts), frozenset(origins), prefix, secure, f"grader-desk-{port}")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def writer(desk: Desk) -> Callable[[], str]:
    """Return what writes marks and pages of a desk, and says so in a sentence."""

    def write() -> str:
        written = rerender.write_all(desk.store, desk.overrides_path, lambda done, of: None)
        pages = counted(written.pages, "page")
        told = f"Gradebook and class page are written, and {pages} of students."
        if written.damaged:
            told += f" To be graded again, as files are damaged: {', '.join(written.damaged[:12])}."
        if written.failed:
            told += f" Could not be rendered: {'; '.join(written.failed[:12])}."
        return told

    return write


@contextlib.contextmanager
def _journal(folder: Path) -> Iterator[Journal]:
    journal = Journal(folder / NAME, create=True)
    try:
        yield journal
    finally:
        journal.close()


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the class's desk alone; the lock ends with this process however it ends."""
    try:
        file = (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write to {folder}: {error.strerror}") from error
    with file:
        if not take_lock(file.fileno()):
            raise UsageError(f"a desk is open on {folder} already: use its address, or end it")
        yield


@contextlib.contextmanager
def _listening(options: DeskOptions) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = "name another one by --port" if taken else "see --host"
        raise UsageError(
            f"can't listen on {options.host}:{options.port} ({error.strerror}): {hint}"
        ) from error
    with listener:
        yield listener
