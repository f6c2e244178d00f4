"""`student.files`: files that only one case sees, and what a call has written into files, by
name.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from grader.checking.case.case import Case
from grader.checking.run.box_accounts import listed, texts
from grader.errors import AssignmentError, WrongReturn

MOST_BYTES = 16 << 20  # of one file
MOST_NAME = 200
MOST_NAMES = 1_000


class Files:
    """The files of a case in the student's folder, where a function opens them by their names."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._remote = case.remote

    def __setitem__(self, name: str, content: str | bytes) -> None:
        """Lay down a file for this case alone; text is written as UTF-8.

        Example:
            student.files["scores.csv"] = "student 17,3"
        """
        data = content.encode() if isinstance(content, str) else content
        if not isinstance(data, bytes):
            kind = type(content).__name__
            raise AssignmentError(
                f"the content of the file `{name}` is {kind}, expected text or bytes"
            )
        if len(data) > MOST_BYTES:
            raise AssignmentError(
                f"the file `{name}` has {len(data)} bytes, expected at most {MOST_BYTES}"
            )
        self._remote.request(
            f"laying down `{name}`", {"op": "put_file", "name": _checked(name)}, (data,)
        )
        self._case.files[_checked(name)] = data

    def __getitem__(self, name: str) -> str:
        """Return the text of a file that a call has written; bytes that are no UTF-8 become
        replacement characters.
        """
        return self.bytes(name).decode("utf-8", "replace")

    def bytes(self, name: str) -> bytes:
        """Return what is in a file that a call has written."""
        body = {"op": "read_file", "name": _checked(name), "most": MOST_BYTES}
        reply = self._remote.request(f"reading `{name}`", body)
        if reply.body.get("found") is not True or len(reply.blobs) != 1:
            if self._case.log.recording:
                raise AssignmentError(f"a check reads the file `{name}`, which no call has written")
            raise WrongReturn(
                f"there is no file `{name}`, or it is larger than {MOST_BYTES >> 20} MB"
            )
        if len(reply.blobs[0]) > MOST_BYTES:
            raise WrongReturn(f"the file `{name}` is larger than {MOST_BYTES >> 20} MB")
        return reply.blobs[0]

    def written(self) -> list[str]:
        """Return the names of the files that calls have written, sorted, since the case asked for
        files first.
        """
        names = self._remote.request("listing files", {"op": "written_files"}).body.get("names")
        return [name for name in texts(listed(names, MOST_NAMES)) if len(name) <= MOST_NAME]


def _checked(name: str) -> str:
    """Return a name that stays within the student's folder; raise for any other."""
    path = PurePosixPath(name)
    inside = (
        name and not path.is_absolute() and ".." not in path.parts and not set(name) & set("\\:\0")
    )
    if not inside or len(name) > MOST_NAME or path == PurePosixPath("."):
        raise AssignmentError(
            f"the file name {name!r} does not stay in the student's folder: give a relative name"
        )
    return path.as_posix()
