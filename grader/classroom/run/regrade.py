"""``--regrade ID``: runs some checks again and keeps the verdicts of the others. A result says if
its verdicts are of different assignments.

Theory of operation. A result whose kept verdicts are of another assignment (or of another grader,
or another box) is known by a key of its own, which no whole grading has: the next run without
``--regrade`` grades it anew.
"""

from __future__ import annotations

import secrets
from operator import attrgetter
from pathlib import Path

import msgspec

from grader.assignment.schema import Spec
from grader.classroom.run.cache_keys import digest_of
from grader.classroom.run.results import Row
from grader.errors import UsageError
from grader.files import write_atomically

FILE = "regrade.json"


def verify(spec: Spec, ids: tuple[str, ...]) -> None:
    """Raise `UsageError` if there is no such check."""
    known = list(map(attrgetter("id"), spec.checks))
    for id_ in ids:
        if id_ not in known:
            raise UsageError(
                f"--regrade {id_}: there is no such check (there are: {', '.join(known)})"
            )


def begin(out: Path, ids: tuple[str, ...], assignment: str) -> str:
    """Name this regrading, or take up one that was interrupted: what it has done already is not
    done again.
    """
    path, wanted_ids = out / FILE, sorted(ids)
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, str | list[str]])
    except (OSError, msgspec.MsgspecError):
        told = {}
    if told.get("checks") == wanted_ids and told.get("assignment") == assignment:
        return str(told["run"])
    run = secrets.token_hex(8)
    write_atomically(
        path, msgspec.json.encode({"checks": wanted_ids, "assignment": assignment, "run": run})
    )
    return run


def end(out: Path) -> None:
    """Remove the file of this regrading, which is done."""
    (out / FILE).unlink(missing_ok=True)


def to_run(spec: Spec, ids: tuple[str, ...], row: Row) -> tuple[str, ...]:
    """Return the checks to run: those asked for, and those on which there is no verdict that could
    be kept.
    """
    most = {check.id: check.max_points for check in row.checks}
    found = []
    for check in spec.checks:
        asked = check.id in ids or check.id not in most
        if asked or (check.points and not most[check.id]):
            found.append(check.id)
    return tuple(found)


def key_of(row: Row, key: str, assignment: str) -> tuple[str, str]:
    """Return the key of a result in which some checks were run afresh, and the assignment that all
    of it is of.

    row: the earlier result; key, assignment: of the fresh checks
    """
    return (
        key if row.key == key else digest_of(["in part", row.key, key]),
        assignment if row.assignment == assignment else "",
    )
