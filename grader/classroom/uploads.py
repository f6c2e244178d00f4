"""Downloads in which each name says whose file it is: those of Canvas, Moodle and Blackboard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonprefix
from typing import NamedTuple

import msgspec

from grader.classroom.entries import Found, natural
from grader.classroom.parts import CODE
from grader.grading.names import ARCHIVES

TWO_KINDS = "an archive and loose files in one hand-in: the loose files count before those of the archive"

_CANVAS = re.compile(
    r"(?P<name>[^_]{1,150})_(?P<late>LATE_)?(?P<user>\d{1,18})_"
    r"(?:(?P<number>\d{1,18})_(?P<file>.+)|(?P<typed>(?:text|link)\.html))",  # what was typed in is no file of its own
    re.DOTALL,
)
_MOODLE = re.compile(
    r"(?P<name>.{1,200})_(?P<id>\d{1,18})_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?", re.DOTALL
)
_BLACKBOARD = re.compile(
    r"(?P<head>.{1,200}?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<receipt>\.txt))", re.DOTALL
)
_NUMBERED = re.compile(r"-(\d{1,4})(?=\.[^.]+(?:\.[^.]+)?$|$)")  # Canvas: the second attempt is named hw-1.zip


class Upload(NamedTuple):
    """A name of the download, and what the student called the file."""

    whole: str
    file: str
    number: int = 0  # the LMS's own: the greatest came last


def canvas(names: Sequence[str]) -> list[Found]:
    """``name_LATE_userid_number_file``, or ``name_userid_text.html`` for what was typed in."""
    found = []
    for (user,), own in _grouped(_CANVAS, names, "user"):
        uploads = [Upload(match.string, match["file"] or match["typed"], int(match["number"] or 0)) for match in own]
        last = max(own, key=lambda match: int(match["number"] or 0))
        one = _together(uploads)
        found.append(
            msgspec.structs.replace(
                one, lms_id=user, name=last["name"], late=bool(last["late"]), order=(int(last["number"] or 0),)
            )
        )
    return found


def moodle(names: Sequence[str]) -> list[Found]:
    """``Full Name_id_assignsubmission_file/``, or the same as the beginning of a file's name."""
    found = []
    for (participant,), own in _grouped(_MOODLE, names, "id"):
        files = [match for match in own if match["kind"] == "file"] or own
        one = _together([Upload(match.string, match["file"] or "") for match in files])
        typed = tuple(match.string for match in own if match not in files)
        found.append(
            msgspec.structs.replace(
                one, lms_id=participant, name=own[0]["name"], aliases=(f"Participant {participant}",),
                beside=(*one.beside, *typed),
            )
        )  # fmt: skip
    return found


def blackboard(names: Sequence[str]) -> list[Found]:
    """``assignment_user_attempt_date_file``, and a receipt of the same name without a file's: each attempt alone."""
    groups = _grouped(_BLACKBOARD, names, "head", "when")
    heads = sorted({head for (head, _), _ in groups})
    title = heads[0] if len(heads) == 1 else commonprefix(heads)  # noqa: RUF071 - of names, not of paths
    title = title[: title.rfind("_") + 1]
    found = []
    for (head, when), own in groups:
        # A receipt alone tells that something was typed in, or nothing: that is for a person to look at.
        files = [match for match in own if not match["receipt"]] or own
        one = _together([Upload(match.string, match["file"] or "receipt.txt") for match in files])
        order = tuple(map(int, when.split("-")))
        found.append(msgspec.structs.replace(one, lms_id=head[len(title) :] or head, order=order))
    return found


def explains(layout: str, name: str) -> bool:
    """Tell whether a layout accounts for a name of its download."""
    return _PATTERNS[layout].fullmatch(name) is not None


def answer_to(layout: str, name: str) -> str:
    """Return how a file is named that the LMS takes as an answer to this one, without its end; nothing where it can't.

    Canvas looks for the numbers of user and file; Moodle for what stands between the first four underscores.
    """
    match = _PATTERNS[layout].fullmatch(name)
    if match is None or (layout == "canvas" and not match["file"]):
        return ""
    if layout == "canvas":
        return name[: match.start("file")]
    return f"{match['name'].replace('_', ' ')}_{match['id']}_assignsubmission_{match['kind']}_/"


ANSWERED = ("canvas", "moodle")  # layouts whose LMS takes files back in bulk
_PATTERNS = {"canvas": _CANVAS, "moodle": _MOODLE, "blackboard": _BLACKBOARD}


def _grouped(
    pattern: re.Pattern[str], names: Sequence[str], *keys: str
) -> list[tuple[tuple[str, ...], list[re.Match[str]]]]:
    """Return the names that the pattern explains, by these parts; nothing where they are fewer than half."""
    matches = [match for name in names if (match := pattern.fullmatch(name))]
    if 2 * len(matches) < len(names):
        return []
    groups: dict[tuple[str, ...], list[re.Match[str]]] = {}
    for match in matches:
        groups.setdefault(tuple(match[key] for key in keys), []).append(match)
    return list(groups.items())


def _together(uploads: Sequence[Upload]) -> Found:
    """Return one hand-in of a student's files: each loose one in its last form, and the last archive beside them."""

    def order(upload: Upload) -> tuple[int, int, object]:
        attempt = _NUMBERED.search(upload.file)
        return (int(attempt[1]) if attempt else 0, upload.number, natural(upload.whole))

    archives = [upload for upload in uploads if upload.whole.lower().endswith(ARCHIVES)]
    loose = {
        _NUMBERED.sub("", upload.file): upload.whole
        for upload in sorted(uploads, key=order)
        if upload.whole.lower().endswith(CODE) or not upload.file  # a folder has no file's name
    }
    last = [max(archives, key=lambda upload: (upload.number, natural(upload.whole))).whole] if archives else []
    chosen = [*last, *loose.values()] or [upload.whole for upload in uploads]
    return Found(
        lms_id="",
        paths=tuple(chosen),
        beside=tuple(upload.whole for upload in uploads if upload.whole not in chosen),
        look=(TWO_KINDS,) if last and loose else (),
    )
