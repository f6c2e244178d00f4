"""Who handed something in: all that a download says of one hand-in, compared with the roster. Pure.

Theory of operation. A mark that reaches another student is worse than one that waits. Each thing
that a download says (an id, an e-mail address, a name) claims a set of students of the roster. The
claims must leave exactly one student. If they contradict one another, or leave several, nobody is
graded for it and a person is asked. A number that only the LMS knows (Canvas's user, Moodle's
participant) is compared with the roster's column of that LMS, if it has one. The course's own ids
are other numbers: that one equals it proves nothing, but if it is another student's than the name
says, a person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice, repeat
from operator import attrgetter

import msgspec

from grader.classroom.download.roster import Roster, RosterMember, agree, name_keys
from grader.classroom.download.students import NAME_LIMIT, LmsHandIn, ends, tidy
from grader.text import first_of

_SEPARATORS = re.compile(r"[\s_,;()\[\]-]+")
_WORD = re.compile(r"[^\s_,;()\[\]-]+")
_LETTERS = re.compile(r"[^\W\d_]")
MOST_WORDS = 12  # of a folder's name
HOW_TO_ANSWER = "say it by [[who]] in overrides.toml, or give the roster a column `lms id`"


class Who(msgspec.Struct, frozen=True):
    """Whose a hand-in is: a member; or nobody of the roster; or it is asked."""

    member: RosterMember | None = None
    asked: str = ""  # why it is not known
    candidates: frozenset[str] = frozenset()  # students of the roster whom it may be of
    by_name: bool = False  # the name alone says so
    look: str = ""


class Claim(msgspec.Struct, frozen=True):
    """What one piece of evidence says."""

    what: str
    students: frozenset[str]


_STUDENTS: Callable[[Claim], frozenset[str]] = attrgetter("students")


def settle(claims: Sequence[Claim]) -> tuple[frozenset[str], str]:
    """Return the students that all claims leave, and why that is not one student; without claims
    neither.
    """
    told = list(filter(_STUDENTS, claims))
    if not told:
        return frozenset(), ""
    left = frozenset.intersection(*map(_STUDENTS, told))
    if len(left) == 1:
        return left, ""
    if left:
        return left, f"{_listed(told)}: more than one student is meant"
    everybody = frozenset[str]().union(*map(_STUDENTS, told))
    return everybody, f"{_listed(told)}: they point to different students"


def identify(one: LmsHandIn, roster: Roster, layout: str) -> Who:
    """Return whose a hand-in is by all that its layout says of it."""
    if one.anonymous:
        return Who()
    one = msgspec.structs.replace(one, name=_without_group(one.name, roster, layout))
    name = one.name if one.internal or one.name else one.lms_id
    own = f"the name {tidy(name, 60)!r}"
    claims = [*_by_ids(one, roster, layout), Claim(own, roster.named(name))]
    weak = Claim(f"the number {tidy(one.lms_id, 40)}", roster.with_id(one.lms_id))
    doubtful = one.internal and not roster.knows(layout) and bool(weak.students)
    if doubtful and not any(map(_STUDENTS, claims)):
        claims.append(Claim(own, _agreeing(name, weak.students, roster)))
        if not claims[-1].students:
            why = f"{_listed([weak])}, and {own} is not theirs"
            return Who(asked=why, candidates=weak.students)
    students, why = settle(claims)
    if not why and students and doubtful:  # the number alone may not choose among several
        students, why = settle([*claims, weak])
    if why:
        return Who(asked=why, candidates=students)
    if not students:
        named = one.name or one.email
        return _by_local_part(one, roster) if named else _by_words(one, roster)
    (student,) = students
    member = roster.member(student)
    other = _other_name(one, member)
    if other and one.internal:  # of a number and a name that do not fit one is wrong
        return Who(asked=f"{_listed([claims[0]])}, but {other}", candidates=students)
    by_name = not any(claim.students and claim.what != own for claim in claims)
    return Who(member, by_name=by_name, look=other)


def _without_group(name: str, roster: Roster, layout: str) -> str:
    """Return a name of Moodle's without the group that stands before it, `Team A-Jane Doe`, if that
    is a member's.
    """
    if layout == "moodle" and not roster.named(name):
        return next(filter(roster.named, ends(name)), name)
    return name


def _by_ids(one: LmsHandIn, roster: Roster, layout: str) -> list[Claim]:
    """Return the claims of the ids that the roster may hold."""
    claims = []
    ids: tuple[str, ...] = (*one.aliases, one.email)
    if one.internal:
        number = f"the {layout} number {tidy(one.lms_id, 40)}"
        claims.append(Claim(number, roster.with_lms_id(layout, one.lms_id)))
    else:
        ids = (one.lms_id, *ids)
    for id_ in dict.fromkeys(filter(None, ids)):
        claims.append(Claim(f"the id {tidy(id_, 60)!r}", roster.with_id(id_)))
    return claims


def _agreeing(name: str, students: frozenset[str], roster: Roster) -> frozenset[str]:
    return frozenset(student for student in students if agree(name, roster.member(student).name))


def _by_local_part(one: LmsHandIn, roster: Roster) -> Who:
    """Return whom an address means whose part before the @ is an id, if no name speaks against
    it.
    """
    local = one.email.partition("@")[0]
    found = roster.with_id(local) if local else frozenset()
    if len(found) != 1:
        return Who()
    member = roster.member(next(iter(found)))
    if one.name and member.name and not agree(one.name, member.name):
        why = f"the address {tidy(one.email, 60)} begins with an id of {member.student!r}"
        return Who(asked=f"{why}, and the name is another", candidates=found)
    return Who(member)


def _by_words(one: LmsHandIn, roster: Roster) -> Who:
    """Return whom a folder means that is called by name and id together, as `Doe_Jane_s12` is.

    An id alone among other words is asked about, and so is a name beside another's id.
    """
    words = islice(_WORD.finditer(one.lms_id[:NAME_LIMIT]), MOST_WORDS)
    spans = list(map(re.Match.span, words))
    by_id, by_name = set[str](), set[str]()
    rests: list[str] = []  # what stands beside a name
    for first, (start, _) in enumerate(spans):
        for _, end in spans[first:]:
            part, rest = one.lms_id[start:end], f"{one.lms_id[:start]} {one.lms_id[end:]}"
            by_id |= roster.with_id(part)
            named = roster.named(_SEPARATORS.sub(" ", part))
            by_name |= named
            rests += [rest] if named else []
    if not by_id and not by_name:
        return Who()
    own = f"{tidy(one.lms_id, 60)!r}"
    students = by_id & by_name if by_id else by_name
    if len(students) == 1 and by_id <= students and by_name <= students:
        (student,) = students
        if by_id or not any(map(_LETTERS.search, rests)):
            return Who(roster.member(student), by_name=not by_id)
    ids = Claim(f"an id in {own}", frozenset(by_id))
    names = Claim(f"a name in {own}", frozenset(by_name))
    told = _listed(list(filter(_STUDENTS, (ids, names))))
    return Who(asked=told, candidates=frozenset(by_id | by_name))


def _other_name(one: LmsHandIn, member: RosterMember) -> str:
    if not one.name or not member.name or agree(one.name, member.name):
        return ""
    return f"the download names them {tidy(one.name, 60)!r}, the roster {tidy(member.name, 60)!r}"


def _listed(claims: Sequence[Claim]) -> str:
    parts = []
    for claim in claims:
        whom = sorted(map(tidy, claim.students, repeat(40)))
        parts.append(f"{claim.what} is that of {first_of(whom, 3)}")
    return "; ".join(parts)


def people(found: Sequence[LmsHandIn]) -> int:
    """Return how many people the names of one account's hand-ins mean; names in other orders are
    one.
    """
    groups: list[set[str]] = []
    for one in found:
        keys = set(name_keys(one.name))
        if keys and all(map(keys.isdisjoint, groups)):
            groups.append(keys)
    return len(groups)


def answered(found: Sequence[LmsHandIn], answers: Mapping[str, str]) -> str:
    """Return whose an instructor says these are; nothing if nobody says it."""
    for one in found:
        for path in (one.called,) if one.called else one.paths:
            name = one.called or path.rpartition("/")[2]
            if student := answers.get(name):
                return student
    return ""
