"""Downloads in which each name says whose file it is: those of Canvas, Moodle and Blackboard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import filterfalse
from operator import attrgetter
from os.path import commonprefix
from typing import NamedTuple

import msgspec

from grader.classroom.download.students import LmsHandIn, natural
from grader.classroom.download.unpack import CODE
from grader.grading.intake.reading.entry_names import ARCHIVES, fold

TWO_KINDS = (
    "an archive and loose files in one hand-in: the loose files count before those of the archive"
)

# A name that a person or a group chose may hold digits and underscores, and a student chooses what
# stands behind the LMS's part: so the LMS's part is looked for from the left, by every reading.
# What begins so behind two numbers is Moodle's or Blackboard's: their titles and names end with
# numbers, too.
_NO_OTHERS = (
    r"(?!assignsubmission_(?:file|onlinetext)(?:_|$)|attempt_\d{4}(?:-\d\d){5}(?:_|\.txt$))"
)
_CANVAS = re.compile(
    # no name at all, if it has no letter that Canvas keeps
    r"(?P<name>.{0,150}?)_(?P<late>LATE_)?(?P<user>\d{1,18})_"
    # typed in: no file of its own
    rf"(?:(?P<number>\d{{1,18}})_(?P<file>{_NO_OTHERS}.+)|(?P<typed>(?:text|link)\.html))",
    re.DOTALL,
)
# the other reading: the name itself ends with a number, as `team_7` does
_CANVAS_LATER = re.compile(
    r"(?P<name>.{1,150}?_\d{1,18})_(?P<late>)(?P<user>\d{1,18})_"
    rf"(?:(?P<number>\d{{1,18}})_(?P<file>{_NO_OTHERS}.+)|(?P<typed>(?:text|link)\.html))",
    re.DOTALL,
)
_CANVAS_ANONYMOUS = re.compile(
    r"(?P<name>anon(?:ymous)?)_(?P<late>LATE_)?(?P<user>[A-Za-z0-9]{1,40})_(?:LATE_)?"
    r"(?:(?P<number>\d{1,18})_(?P<file>.+)|(?P<typed>(?:text|link)\.html))",
    re.DOTALL,
)
_MOODLE = re.compile(
    r"(?P<name>.{1,200}?)_(?P<id>\d{1,18})_assignsubmission_(?P<kind>file|onlinetext)"
    r"(?:_(?P<file>.*))?",
    re.DOTALL,
)
_MOODLE_LAST = re.compile(_MOODLE.pattern.replace("{1,200}?", "{1,200}"), re.DOTALL)
_MOODLE_MARK = re.compile(r"_\d{1,18}_assignsubmission_(?:file|onlinetext)(?=_|$)")
MOST_READINGS = 4  # of one name
_BLIND = re.compile(r"(?:Participant|[^\W\d_]{3,20})[ _](\d{1,18})")
_BLACKBOARD = re.compile(
    r"(?P<head>.{1,200}?)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<receipt>\.txt))",
    re.DOTALL,
)
_BRIGHTSPACE = re.compile(  # an index page lies beside the hand-ins
    r"(?P<id>\d{1,18})-\d{1,18} ?- ?(?P<name>.{1,200}?) ?- ?(?P<when>[^-]{0,24}\d{4}[^-]{0,12}?)"
    r"(?: ?- ?(?P<file>.+))?|index\.html",
    re.DOTALL,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Canvas: the second attempt is named hw-1.zip
_NUMBERED = re.compile(r"-(\d{1,4})(?=\.[^.]+(?:\.[^.]+)?$|$)")


class Upload(NamedTuple):
    """A name of the download, and what the student called the file."""

    whole: str
    file: str
    number: int = 0  # the LMS's own: the greatest came last


Known = Callable[[str], bool]  # whether the roster, or a list of groups, has this name


def canvas(names: Sequence[str], known: Known = lambda name: False) -> list[LmsHandIn]:
    """``name_LATE_userid_number_file``, or ``name_userid_text.html`` for what was typed in."""
    found = []
    for user, own in _accounts(list(map(_canvas_readings, names)), known, "user").items():
        uploads = []
        for match in own.matches:
            file = match["file"] or match["typed"]
            uploads.append(Upload(match.string, file, _number(match)))
        last = max(own.matches, key=_number)
        hidden = last.re is _CANVAS_ANONYMOUS
        one = msgspec.structs.replace(
            _together(uploads),
            lms_id=f"anon {user}" if hidden else user,
            name="" if hidden else last["name"],
            internal=not hidden,
            anonymous=hidden,
            late=bool(last["late"]),
            order=(_number(last),),
            asked=own.asked,
        )
        found.append(one)
    return found


def _number(match: re.Match[str]) -> int:
    return int(match["number"] or 0)


def _canvas_readings(name: str) -> list[re.Match[str]]:
    if match := _CANVAS_ANONYMOUS.fullmatch(name):
        return [match]
    first, later = _CANVAS.fullmatch(name), _CANVAS_LATER.fullmatch(name)
    if first is None:
        return []
    # Only what follows the first reading's name at once is another reading: the rest is the
    # student's.
    beside = later is not None and later["name"] == f"{first['name']}_{first['user']}"
    return [first, later] if beside and later is not None and not first["late"] else [first]


def moodle(names: Sequence[str], known: Known = lambda name: False) -> list[LmsHandIn]:
    """``Full Name_id_assignsubmission_file/``, or the same as the beginning of a file's name."""
    found = []
    for participant, own in _accounts(list(map(_moodle_readings, names)), known, "id").items():
        files = [match for match in own.matches if match["kind"] == "file"] or own.matches
        one = _together_as_named(files)
        typed = map(_STRING, filterfalse(files.__contains__, own.matches))
        name = own.matches[0]["name"]
        blind = _BLIND.fullmatch(name)
        hidden = blind is not None and blind[1] == participant
        found.append(
            msgspec.structs.replace(
                one,
                lms_id=participant,
                name="" if hidden else name,
                internal=True,
                aliases=(f"Participant {participant}",),
                beside=(*one.beside, *typed),
                asked=own.asked,
            )
        )
    return found


def _moodle_readings(name: str) -> list[re.Match[str]]:
    """Return every reading: the name a person chose may itself look like Moodle's part, as may that
    of a file.
    """
    readings = []
    for mark in list(_MOODLE_MARK.finditer(name))[:MOST_READINGS]:
        pattern = _MOODLE.pattern.replace("{1,200}?", f"{{{mark.start()}}}", 1)
        if 0 < mark.start() <= 200 and (match := re.fullmatch(pattern, name, re.DOTALL)):
            readings.append(match)
    return readings


class _AccountNames(NamedTuple):
    """The names of a download that are one account's, and why that is not certain."""

    matches: list[re.Match[str]]
    asked: str


def _accounts(
    readings: Sequence[list[re.Match[str]]], known: Known, key: str
) -> dict[str, _AccountNames]:
    """Return the matches by account; nothing if fewer than half of the names have a reading.

    A name with several readings is read as what else is known says: the download's other names,
    then the roster. Without either it is the first, in which nothing is of the student's choosing.
    """
    read = list(filter(None, readings))
    if 2 * len(read) < len(readings):
        return {}
    sure: dict[str, set[str]] = {}  # names that can be read in one way alone, by account
    first_users: dict[str, set[str]] = {}  # accounts of the others' first readings, by name
    for options in read:
        user, name = options[0][key], options[0]["name"]
        if len(options) == 1:
            sure.setdefault(user, set()).add(name)
        else:
            first_users.setdefault(name, set()).add(user)
    groups: dict[str, list[re.Match[str]]] = {}
    asked: dict[str, str] = {}
    for options in read:
        chosen, why = _reading(options, sure, first_users, known, key)
        groups.setdefault(chosen[key], []).append(chosen)
        if why:
            asked[chosen[key]] = why
    accounts = {}
    for user, own in groups.items():
        called = {match["name"].casefold() for match in own}
        several = "one number beside several names" if len(called) > 1 else ""
        accounts[user] = _AccountNames(own, asked.get(user, several))
    return accounts


def _reading(
    options: list[re.Match[str]],
    sure: dict[str, set[str]],
    first_users: dict[str, set[str]],
    known: Known,
    key: str,
) -> tuple[re.Match[str], str]:
    """Return the reading of a name, and why a person should look at it."""
    first, last = options[0], options[-1]
    if len(options) == 1:
        return first, ""
    supported = []
    for match in options:
        if match["name"] in sure.get(match[key], ()) or known(match["name"]):
            supported.append(match)
    if len(supported) == 1:
        return supported[0], ""
    if supported:
        return first, "its name can be read in two ways, and both name somebody"
    # one name of many accounts: `team` of `team_7`, `team_8`
    shared = len(first_users[first["name"]]) > 1
    clash = first[key] in sure
    if (shared or clash) and last[key] not in sure and first.re is _CANVAS:
        return last, ""
    return first, "its name can be read in two ways" if clash else ""


def blackboard(names: Sequence[str], known: Known = lambda name: False) -> list[LmsHandIn]:
    """``assignment_user_attempt_date_file``, and a receipt of the same name without a file's: each
    attempt alone.
    """
    groups = _grouped(_BLACKBOARD, names, "head", "when")
    heads = {head for (head, _), _ in groups}
    title, asked = _title(sorted(heads), known)
    found = []
    for (head, when), own in groups:
        # A receipt alone tells that something was typed in, or nothing: that is for a person to
        # look at.
        files = [match for match in own if not match["receipt"]] or own
        one = _together_as_named(files, "receipt.txt")
        order = tuple(map(int, when.split("-")))
        user = head[len(title) :] or head
        found.append(msgspec.structs.replace(one, lms_id=user, order=order, asked=asked))
    return found


def brightspace(names: Sequence[str], known: Known = lambda name: False) -> list[LmsHandIn]:
    """``number-number - Name - Apr 1, 2026 1203 PM - file``, or the same without a file as a
    folder's name.
    """
    groups = _grouped(_BRIGHTSPACE, names, "id", "name", "when")
    found = []
    for (number, name, when), own in groups:
        if not number:
            continue
        one = _together_as_named(own)
        found.append(
            msgspec.structs.replace(
                one, lms_id=number, name=name.strip(), internal=True, order=_moment(when)
            )
        )
    return found


def _moment(when: str) -> tuple[int, ...]:
    """Return a time of Brightspace's as numbers that sort; nothing if it is not read."""
    day = re.search(r"([A-Za-z]{3})[a-z]* (\d{1,2}),? (\d{4})", when)
    day = day or re.search(r"(\d{1,2}) ([A-Za-z]{3})[a-z]*,? (\d{4})", when)
    clock = re.search(r"(\d{1,2})[:.]?(\d\d) ?([AP]M)?\s*$", when, re.IGNORECASE)
    if day is None or clock is None:
        return ()
    month, date = (day[1], day[2]) if day[2].isdecimal() else (day[2], day[1])
    if month.lower() not in _MONTHS:
        return ()
    hour = int(clock[1])
    if clock[3]:
        hour = hour % 12 + (12 if clock[3].upper() == "PM" else 0)
    return (int(day[3]), _MONTHS.index(month.lower()), int(date), hour, int(clock[2]))


def _title(heads: Sequence[str], known: Known) -> tuple[str, str]:
    """Return how all names begin, before the user's, and why that is not certain.

    A title may hold underscores as users do: of several ends those count after which users are
    known.
    """
    shared = commonprefix(heads)  # noqa: RUF071 - of names
    titles = [shared[: match.end()] for match in re.finditer("_", shared)]
    fitting = []
    for title in titles:
        if any(known(head.removeprefix(title)) for head in heads):
            fitting.append(title)
    if len(fitting) > 1:
        return fitting[-1], "its name can be read in two ways, and both name somebody"
    return (fitting or titles or [""])[-1], ""


def layout_of(name: str) -> str:
    """Return the layout that a name of a download is of, or nothing.

    A student may call a file as another LMS would: the mark that stands first is the LMS's own.
    """
    if _CANVAS_ANONYMOUS.fullmatch(name):
        return "canvas"
    places = {}
    for layout, patterns in _PATTERNS.items():
        match = patterns[0].fullmatch(name)
        if match is not None and match[_MARKS[layout]] is not None:
            places[layout] = match.start(_MARKS[layout])
    return min(places, key=places.__getitem__, default="")


def most_are_of(names: Sequence[str]) -> str:
    """Return the layout that most of the names are of, or nothing."""
    counts = Counter(filter(None, map(layout_of, names)))
    return max(counts, key=counts.__getitem__, default="")


def explains(layout: str, name: str) -> bool:
    """Tell whether a layout accounts for a name of its download."""
    return any(pattern.fullmatch(name) for pattern in _PATTERNS[layout])


def answer_to(layout: str, name: str, account: str = "") -> str:
    """Return how a file is named that the LMS takes as an answer to this one, without its end; or
    nothing.

    Canvas looks for the numbers of user and file; Moodle for what stands between the first four
    underscores.

    account: the LMS's number of the student, if a name can be read in several ways
    """
    key = "user" if layout == "canvas" else "id"
    for pattern in _PATTERNS[layout]:
        match = None if pattern is _CANVAS_ANONYMOUS else pattern.fullmatch(name)
        if match is None or account not in ("", match[key]):
            continue
        if layout != "canvas":
            kind = match["kind"]
            return f"{match['name'].replace('_', ' ')}_{match['id']}_assignsubmission_{kind}_/"
        if match["file"]:
            return name[: match.start("file")]
    return ""


ANSWERED = ("canvas", "moodle")  # layouts whose LMS takes files back in bulk
_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "canvas": (_CANVAS, _CANVAS_LATER, _CANVAS_ANONYMOUS),
    "moodle": (_MOODLE, _MOODLE_LAST),
    "blackboard": (_BLACKBOARD,),
    "brightspace": (_BRIGHTSPACE,),
}
_MARKS = {"canvas": "user", "moodle": "id", "blackboard": "when", "brightspace": "id"}


def _grouped(
    pattern: re.Pattern[str], names: Sequence[str], *keys: str
) -> list[tuple[tuple[str, ...], list[re.Match[str]]]]:
    """Return the names that the pattern explains, by these parts; nothing if they are fewer than
    half.
    """
    matches = list(filter(None, map(pattern.fullmatch, names)))
    if 2 * len(matches) < len(names):
        return []
    groups: dict[tuple[str, ...], list[re.Match[str]]] = {}
    for match in matches:
        groups.setdefault(tuple(map(match.group, keys)), []).append(match)
    return list(groups.items())


_STRING: Callable[[re.Match[str]], str] = attrgetter("string")
_WHOLE: Callable[[Upload], str] = attrgetter("whole")


def _together_as_named(matches: Iterable[re.Match[str]], otherwise: str = "") -> LmsHandIn:
    """Return one hand-in of files called as their names say, or else ``otherwise``."""
    return _together([Upload(match.string, match["file"] or otherwise) for match in matches])


def _together(uploads: Sequence[Upload]) -> LmsHandIn:
    """Return one hand-in of a student's files: each loose one in its last form, and the last
    archive beside them.
    """

    def order(upload: Upload) -> tuple[int, int, object]:
        attempt = _NUMBERED.search(upload.file)
        return (int(attempt[1]) if attempt else 0, upload.number, natural(upload.whole))

    archives = [upload for upload in uploads if upload.whole.lower().endswith(ARCHIVES)]
    last = max(archives, key=lambda upload: (upload.number, natural(upload.whole)), default=None)
    loose: dict[str, str] = {}
    given: dict[str, str] = {}
    for upload in sorted(uploads, key=order):
        given[upload.whole] = upload.file
        if upload.whole.lower().endswith(CODE) or not upload.file:  # a folder has no file's name
            loose[_NUMBERED.sub("", upload.file)] = upload.whole
    wholes = list(map(_WHOLE, uploads))
    chosen = [*([last.whole] if last else []), *loose.values()] or wholes
    files = tuple(map(given.__getitem__, chosen))
    apart = len(files) > 1 and len(set(map(fold, files)) - {""}) == len(files)
    return LmsHandIn(
        lms_id="",
        paths=tuple(chosen),
        files=files if apart else (),
        beside=tuple(filterfalse(chosen.__contains__, wholes)),
        look=(TWO_KINDS,) if archives and loose else (),
    )
