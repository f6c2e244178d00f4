"""``grader desk``: a local web application on which people grade what programs can't."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import importlib.util
import re
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from grader.errors import UsageError

EXPORTS = (".csv", ".toml")
OPENING = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}">
<title>The desk</title></head><body><p><a href="{0}">Open the desk</a></p></body></html>
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "desk",
        description=__doc__,
    )
    command.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        default=Path("class"),
        help="what `grader batch` wrote (default: ./%(default)s)",
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on; other than loopback it needs --grader",
    )
    command.add_argument(
        "--port", type=_port, default=8521, help="0 takes a free one (default: %(default)s)"
    )
    command.add_argument(
        "--grader",
        action="append",
        default=[],
        metavar="NAME",
        help="a person who grades, with an address of their own; may be repeated",
    )
    command.add_argument(
        "--origin",
        default="",
        metavar="URL",
        help="under which browsers reach it, if a reverse proxy stands before it: "
        "https://HOST/PREFIX",
    )
    _add_once(command)
    return command


def _add_once(command: argparse.ArgumentParser) -> None:
    """Add the options of a single run, and those that write a file and end."""
    command.add_argument(
        "--overrides", type=Path, metavar="TOML", help="default: overrides.toml in DIR"
    )
    command.add_argument(
        "--new-tokens", action="store_true", help="end all earlier addresses and give new ones"
    )
    command.add_argument("--no-browser", action="store_true", help="open no browser")
    command.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write every decision to a .csv, or the rubric to a .toml, and end",
    )
    command.add_argument(
        "--write", action="store_true", help="write marks and pages with all decisions, and end"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, or write a file."""
    if options.export is not None:
        return _export(options)
    if options.write:
        return _write(options)
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"the desk needs {' and '.join(missing)}: install grader[desk]")
    from grader.desk.web import server

    settings = server.DeskOptions(
        source=options.source,
        host=options.host,
        port=options.port,
        graders=tuple(options.grader),
        origin=options.origin,
        new_tokens=options.new_tokens,
        overrides=options.overrides,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server.opened(settings, _own_name()) as desk, tempfile.TemporaryDirectory() as own:
        _show(desk.addresses)
        if not options.no_browser and not options.grader:
            _open_browser(desk.addresses[0][1], Path(own))
        server.serve(desk)
        print(
            "The desk is closed. Marks and pages are being written; Ctrl-C leaves that for later."
        )
        try:
            print(desk.write())
        except (KeyboardInterrupt, UsageError) as error:
            why = f" ({error})" if isinstance(error, UsageError) else ""
            print(
                f"Not all is written{why}: `grader desk --write` does so. Every decision is kept."
            )
    return 0


def _show(addresses: Sequence[tuple[str, str]]) -> None:
    """Print the addresses: each holds a token, and is for one person alone."""
    for grader, address in addresses:
        print(f"{grader}: {address}" if len(addresses) > 1 else address)
    print("Each address is for one person alone. Ctrl-C ends the desk.")
    sys.stdout.flush()


def _open_browser(address: str, folder: Path) -> None:
    """Open the address by a private file: other users see the arguments of a process."""
    page = folder / "desk.html"
    page.write_text(OPENING.format(address), encoding="utf-8")
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(page.as_uri())


def _export(options: argparse.Namespace) -> int:
    from grader.classroom.exports import desk
    from grader.classroom.marks.decisions import NAME, Journal
    from grader.files import write_atomically

    if options.export.suffix not in EXPORTS:
        raise UsageError(
            f"--export {options.export}: name a .csv for the decisions, or a .toml for the rubric"
        )
    journal = Journal(options.source / NAME)
    with contextlib.closing(journal):
        data = (
            desk.decisions_csv(journal)
            if options.export.suffix == ".csv"
            else desk.rubric_toml(journal)
        )
    print(write_atomically(options.export, data))
    return 0


def _write(options: argparse.Namespace) -> int:
    from grader.classroom.marks import overrides, rerender
    from grader.classroom.run.result_store import Store
    from grader.text import counted

    store = Store(options.source)
    store.read_class()
    written = rerender.write_all(
        store, options.overrides or options.source / overrides.NAME, lambda done, of: None
    )
    print(
        f"Gradebook and class page are written, and {counted(written.pages, 'page')} of students."
    )
    for line in (*written.damaged, *written.failed):
        print(f"not written, grade again: {line}")
    return 3 if written.damaged or written.failed else 0


def _own_name() -> str:
    """Return who sits at this machine, as a grader's name."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return re.sub(r"[^A-Za-z0-9.-]", "", name).lstrip(".-")[:40] or "grader"


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 0 to 65535")
    return int(text)
