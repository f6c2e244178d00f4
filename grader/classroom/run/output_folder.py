"""Where a class may be written: a folder of its own, in which nothing but results of this
assignment lie.

Theory of operation. Submissions and results are never mixed: the output folder is neither the
submissions', nor around them, nor in a student's part of them. Right beside the students' folders
it may lie, as ``class`` does where the submissions are in the working directory: then it is no
student's. A folder that holds anything else is refused before a byte is written, so that what is
overwritten later was made by an earlier run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grader.classroom.marks.overrides import NAME as OVERRIDES
from grader.classroom.run.result_store import CLASS, Store
from grader.errors import UsageError


def verify(
    store: Store, name: str, *, shard: tuple[int, int] = (1, 1), besides: Iterable[Path | None] = ()
) -> None:
    """Raise `UsageError` where anything else lies in the output folder than what this run may go on
    with.

    name: of the assignment; besides: files that may lie there, a roster for example
    """
    out = store.out
    if not out.is_dir():
        if out.exists():
            raise UsageError(f"{out} is a file: name a folder by --out")
        return
    if (out / CLASS).exists():
        try:
            class_ = store.read_class()
        except UsageError:
            if not store.holds_results():
                raise
            return  # it is damaged, and is written anew: each result is known by a key of its own
        if class_.name != name:
            raise UsageError(
                f"{out} holds the class of {class_.name}, this is {name}: name another folder by"
                " --out"
            )
        if shard != (1, 1) and (class_.shards, class_.of) != (shard[:1], shard[1]):
            raise UsageError(
                f"{out} holds {class_.part}, and this is shard {shard[0]} of {shard[1]}: give each"
                " shard a folder of its own by --out, and put them together by `grader merge`"
            )
        return
    ours = {path.resolve() for path in (out / OVERRIDES, *besides) if path is not None}
    for path in sorted(out.iterdir()):
        if not path.name.startswith(".") and path.resolve() not in ours:
            raise UsageError(
                f"{out} holds {path.name} and no class that was graded: nothing is written there; "
                "name a new folder, or an empty one, by --out"
            )


def apart(submissions: Path, out: Path) -> None:
    """Raise `UsageError` where results would be written among submissions."""
    theirs, ours = submissions.resolve(), out.resolve()
    if not theirs.is_dir() or (
        ours != theirs and ours not in theirs.parents and theirs not in ours.parents
    ):
        return
    if ours == theirs:
        raise UsageError(f"{out} is the folder of the submissions: name another folder by --out")
    if ours in theirs.parents:
        raise UsageError(
            f"{out} holds the submissions ({submissions}): name a folder beside them by --out"
        )
    if ours.parent != theirs:
        raise UsageError(
            f"{out} lies within a folder of the submissions ({submissions}): name a folder outside"
            " of it by --out"
        )
