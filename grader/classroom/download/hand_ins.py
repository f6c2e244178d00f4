"""From a download to a class: every hand-in given to a student or asked about, and who handed in
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, filterfalse
from operator import attrgetter

import msgspec

from grader.classroom.download.download_tree import Tree
from grader.classroom.download.identity import HOW_TO_ANSWER, Who, answered, identify, people
from grader.classroom.download.lms_layouts import Reading, recognise
from grader.classroom.download.roster import Roster, RosterMember
from grader.classroom.download.students import Entry, LmsHandIn, natural, safe_folder, tidy
from grader.errors import UsageError
from grader.text import first_of

NOT_ON_ROSTER = "not on the roster"
NAMED = 5  # files that are named if more were not used
ASKED = "? "  # before the name of a hand-in whose student is not known: no student's id


class Class(msgspec.Struct, frozen=True):
    """The class that a download holds, with the names of a roster."""

    layout: str  # as `lms` names it: 'canvas', 'moodle', ... or 'folders'
    entries: tuple[Entry, ...]  # in the order of the students' ids


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What a download is read with, besides the roster."""

    assignment: str  # its short name
    # names of the files that are graded, without their folders
    wanted: frozenset[str] = frozenset()
    reserved: tuple[str, ...] = ()  # names that no student's folder may have
    answers: Mapping[str, str] = {}  # name of a hand-in -> the student, as an instructor says
    groups: Roster | None = None  # who is of which group


PATHS: Callable[[LmsHandIn], tuple[str, ...]] = attrgetter("paths")
FOUND: Callable[[_Account], list[LmsHandIn]] = attrgetter("found")


class _Account(msgspec.Struct):
    """All hand-ins of one account of the LMS, and whose they are."""

    found: list[LmsHandIn]
    who: Who
    groups: tuple[str, ...] = ()  # students who handed it in together

    @property
    def has_work(self) -> bool:
        """Whether a file was handed in."""
        return any(map(PATHS, self.found))


def read(tree: Tree, roster: Roster | None, asking: Asking) -> Class:
    """Return the class; raise `UsageError` if nothing in the download can be a submission."""
    layout, found = recognise(tree, _reading(roster, asking))
    if roster is None and not any(map(PATHS, found)):
        raise UsageError(f"{tree.name} holds no submissions: it is empty")
    accounts = _accounts(found, roster, asking, layout)
    owned = _owned(accounts, roster)
    _share_among_groups(owned, roster, asking.groups)
    if roster is not None and not owned and found and not _are_hidden(found):
        _nobody_known(tree, roster, accounts)
    return Class(layout, _entries(accounts, owned, roster, asking))


def _are_hidden(found: Iterable[LmsHandIn]) -> bool:
    """Return whether the LMS hides whose some of the hand-ins are."""
    return any(one.anonymous for one in found)


def _reading(roster: Roster | None, asking: Asking) -> Reading:
    lists = [list_ for list_ in (roster, asking.groups) if list_ is not None]

    def known(name: str) -> bool:
        return any(list_.has_any(name) for list_ in lists)

    return Reading(asking.assignment, known if lists else None, asking.wanted)


def _accounts(
    found: Sequence[LmsHandIn], roster: Roster | None, asking: Asking, layout: str
) -> list[_Account]:
    """Return the accounts in the download's order, each with whom it means."""
    by_id: dict[str, list[LmsHandIn]] = {}
    for one in found:
        by_id.setdefault(one.lms_id, []).append(one)
    accounts = []
    for own in by_id.values():
        account = _Account(own, _who(own, roster, asking, layout))
        if not account.who.asked:
            account.groups = _group_named(own[0], asking.groups)
        accounts.append(account)
    return accounts


def _who(own: Sequence[LmsHandIn], roster: Roster | None, asking: Asking, layout: str) -> Who:
    """Return whose one account's hand-ins are."""
    if said := answered(own, asking.answers):
        if roster is not None and not roster.has(said):
            raise UsageError(f"overrides.toml: [[who]] names {said!r}, who is not on the roster")
        return Who(roster.member(said) if roster is not None else RosterMember(said, name=""))
    asked = list(filter(None, map(attrgetter("asked"), own)))
    if asked:
        named = frozenset[str]()
        for one in own if roster is not None else ():
            assert roster is not None
            for name in (one.name, one.lms_id, *one.may_be):
                named |= roster.named(name) | roster.with_id(name)
        return Who(asked=asked[0], candidates=named)
    several = own[0].internal and people(own) > 1
    if roster is None:
        return Who(asked="one number beside several names") if several else Who()
    whos = [identify(one, roster, layout) for one in own]
    members = {who.member.student for who in whos if who.member is not None}
    if several or len(members) > 1:
        candidates = members.union(*map(attrgetter("candidates"), whos))
        return Who(asked="one number beside several names", candidates=frozenset(candidates))
    for who in whos:
        if who.asked:
            return who
    return whos[0]


def _group_named(one: LmsHandIn, groups: Roster | None) -> tuple[str, ...]:
    """Return the members of the group that a hand-in is called after."""
    if groups is None:
        return ()
    return groups.group(one.name) or (() if one.internal else groups.group(one.lms_id))


def _owned(accounts: Sequence[_Account], roster: Roster | None) -> dict[str, list[_Account]]:
    """Return the accounts of each student; of several, those that a name alone gives to one are
    asked about, and ids that are one but for capital letters.
    """
    owned: dict[str, list[_Account]] = {}
    for account in accounts:
        who = account.who
        if who.asked or account.groups:
            continue
        if who.member is not None:
            owned.setdefault(who.member.student, []).append(account)
    for student, own in list(owned.items()):
        with_work = [account for account in own if account.has_work]
        by_name = len(with_work) > 1 and any(map(attrgetter("who.by_name"), with_work))
        twins = len({account.found[0].lms_id.casefold() for account in with_work}) < len(with_work)
        if by_name or twins:
            del owned[student]
            kind = "name" if by_name else "id, but for capital letters,"
            for account in own:
                why = f"{len(own)} accounts are of the {kind} of {tidy(student, 40)}"
                account.who = Who(asked=why, candidates=frozenset((student,)))
    return owned


def _share_among_groups(
    owned: dict[str, list[_Account]], roster: Roster | None, groups: Roster | None
) -> None:
    """Give what one member of a group handed in to the others; of several hand-ins each keeps their
    own.
    """
    for members in groups.all_groups() if groups is not None else ():
        students = _on_roster(members, roster)
        there = list(filter(owned.__contains__, students))
        if len(there) == 1:
            for student in students:
                owned.setdefault(student, owned[there[0]])


def _on_roster(members: Iterable[str], roster: Roster | None) -> list[str]:
    """Return members of a group by the ids that the gradebook uses."""
    if roster is None:
        return list(members)
    found: list[str] = []
    for students in map(roster.with_id, members):
        if len(students) == 1:
            found += students
    return found


def _nobody_known(tree: Tree, roster: Roster, accounts: Sequence[_Account]) -> None:
    """Raise `UsageError` if no hand-in has to do with the roster at all: it is another class, or no
    download.
    """
    if any(account.who.asked or account.groups for account in accounts):
        return
    there = ", ".join(map(_label, accounts[:NAMED]))
    raise UsageError(
        f"none of the {len(accounts)} hand-ins of {tree.name} is of anybody on the roster"
        f" ({there}): give the download as the LMS made it, or a folder with a folder or an archive"
        " named after each student, or the roster's ids as the download has them"
    )


# --- rows -----------------------------------------------------------------------------------------


def _entries(
    accounts: Sequence[_Account],
    owned: Mapping[str, Sequence[_Account]],
    roster: Roster | None,
    asking: Asking,
) -> tuple[Entry, ...]:
    """Return a row for each student, each stranger, and each hand-in that is asked about."""
    rows = dict(zip(owned, map(list, owned.values()), strict=True))
    asked: dict[str, _Account] = {}
    for account in accounts:
        if account.who.asked:
            asked[_free(f"{ASKED}{_label(account)}", account, asked)] = account
        elif account.groups:
            for student in _on_roster(account.groups, roster):
                rows.setdefault(student, []).append(account)
        elif account.who.member is None:
            id_ = tidy(account.found[0].lms_id) or "unnamed"
            rows[_free(id_, account, rows, roster)] = [account]
    doubts = _doubts(asked)
    hidden = _are_hidden(chain.from_iterable(map(FOUND, accounts)))
    for member in roster.members if roster is not None else ():
        if hidden and member.student not in rows:
            doubts.setdefault(member.student, []).append("an anonymous hand-in")
        rows.setdefault(member.student, [])
    entries, taken = [], {name.casefold() for name in asking.reserved}
    for student in sorted({*rows, *asked}, key=lambda id_: (natural(id_), id_)):
        folder = safe_folder(student, taken)
        taken.add(folder.casefold())
        if student in asked:
            entries.append(_asked(student, folder, asked[student]))
        else:
            own = _Own(student, folder, tuple(rows[student]), tuple(doubts.get(student, ())))
            entries.append(_entry(own, roster))
    return tuple(entries)


def _free(
    id_: str, account: _Account, taken: Mapping[str, object], roster: Roster | None = None
) -> str:
    """Return an id for a row that no other has: two strangers' names may look alike once they are
    made harmless.
    """
    if id_ not in taken and (roster is None or not roster.with_id(id_)):
        return id_
    raw = account.found[0].lms_id.encode("utf-8", "surrogatepass")
    return f"{id_[:180]} ({hashlib.sha256(raw).hexdigest()[:8]})"


def _label(account: _Account) -> str:
    """Return how people name an account's hand-ins."""
    first = account.found[0]
    for one in account.found:
        if one.paths:
            return tidy(one.called, 80) or _name(one.paths[0])
    return tidy(first.called, 80) or _name(first.lms_id)


def _doubts(asked: Mapping[str, _Account]) -> dict[str, list[str]]:
    """Return for each student why a hand-in that nobody is graded for may be theirs."""
    doubts: dict[str, list[str]] = {}
    for label, account in asked.items():
        for student in account.who.candidates:
            doubts.setdefault(student, []).append(label.removeprefix(ASKED))
    return doubts


def _asked(student: str, folder: str, account: _Account) -> Entry:
    """Return the row of a hand-in that nobody is graded for."""
    why = f"who is this? {account.who.asked}; {HOW_TO_ANSWER}"
    paths = chain.from_iterable((*one.paths, *one.beside) for one in account.found)
    files = list(map(_name, paths))
    return Entry(
        student=student,
        folder=folder,
        asked=why,
        look=(f"{why} (nobody is graded for {first_of(files, NAMED)})",),
        on_roster=True,
    )


class _Own(msgspec.Struct, frozen=True):
    """A student's row in the making."""

    student: str
    folder: str
    accounts: tuple[_Account, ...]
    doubts: tuple[str, ...]  # hand-ins that may be theirs and that nobody is graded for


def _entry(own: _Own, roster: Roster | None) -> Entry:
    """Return a student's row: of several hand-ins the last, by time, then by the LMS's own number,
    then by name.
    """
    found = list(chain.from_iterable(map(FOUND, own.accounts)))
    there = sorted(filter(PATHS, found), key=_order)
    handed_in = [one for one in there if not one.doubtful] or there
    last = handed_in[-1] if handed_in else found[-1] if found else LmsHandIn(lms_id="")
    member = roster.member(own.student) if roster is not None and roster.has(own.student) else None
    doubt = ", ".join(own.doubts[:NAMED])
    asked = f"may be theirs, and nobody is graded for it: {doubt}" if own.doubts else ""
    notes, look = _said(last, handed_in, there)
    look += filter(None, map(attrgetter("who.look"), own.accounts))
    if asked:
        look.append(asked)
    if roster is not None and member is None:
        look.append(NOT_ON_ROSTER)
    return Entry(
        student=own.student,
        folder=own.folder,
        name=(member.name if member else "") or tidy(last.name),
        email=(member.email if member else "") or tidy(last.email),
        lms_id=tidy(last.lms_id) if _is_own(own, last) else "",
        paths=last.paths,
        files=last.files,
        asked="" if last.paths else asked,
        late=last.late,
        submitted=last.submitted,
        late_days=member.late_days if member else None,
        notes=tuple(notes),
        look=tuple(look),
        sis=member.sis if member else None,
        section=member.section if member else "",
        on_roster=member is not None or roster is None,
    )


def _is_own(own: _Own, last: LmsHandIn) -> bool:
    """Tell whether the LMS's id of a hand-in is the student's own, and not that of another of the
    group.
    """
    for account in own.accounts:
        if any(one is last for one in account.found):
            owner = account.who.member
            return not account.groups and (owner is None or owner.student == own.student)
    return False


def _said(
    last: LmsHandIn, handed_in: Sequence[LmsHandIn], there: Sequence[LmsHandIn]
) -> tuple[list[str], list[str]]:
    """Return what is said of how something was handed in: to the student, and to the instructor
    alone.
    """
    notes, look = [], list(last.look)
    if len(handed_in) > 1:
        notes.append(f"handed in {len(handed_in)} times, the last counts: {_name(last.paths[0])}")
    others = filterfalse(handed_in.__contains__, there)
    unused = [*last.beside, *chain.from_iterable(map(PATHS, others))]
    if unused:
        files = first_of(list(map(_name, unused)), NAMED)
        notes.append(f"handed in beside it and not used: {files}")
    accounts = dict.fromkeys(tidy(one.lms_id, 60) for one in handed_in)
    if len(accounts) > 1:
        look.append(
            f"handed in under different names or ids, look whose it is: {', '.join(accounts)}"
        )
    return notes, look


def with_leaders(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Let each hand-in of a group be graded once: the first of them names the folder that holds the
    result.
    """
    leaders: dict[tuple[str, ...], str] = {}
    found = []
    for entry in entries:
        leader = leaders.setdefault(entry.paths, entry.student) if entry.paths else entry.student
        shared = leader if leader != entry.student else ""
        found.append(msgspec.structs.replace(entry, shared=shared))
    return tuple(found)


def _name(path: str) -> str:
    return tidy(path.rpartition("/")[2], 80)


def _order(found: LmsHandIn) -> tuple[object, ...]:
    return (found.submitted_seconds, found.order, natural(found.paths[0]))
