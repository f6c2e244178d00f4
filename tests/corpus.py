"""The corpus of hostile and broken submissions: its manifests, how they are handed in, and what is
looked at after.

Each folder below ``tests/submissions/<group>/`` is handed in as it lies there, unless its
``manifest.toml`` names a builder of `hostile_archives`, for what can't be kept as a file. Only what
attacks would share with another run of these tests is put in its place as they are handed in: the
mark of what they leave, and the ports.
"""

from __future__ import annotations

import ctypes
import hashlib
import html.parser
import os
import re
import secrets
import shutil
import socket
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import hostile_archives
import msgspec

from grader.assignment.spec import Assignment, load
from grader.authoring.record import record
from grader.errors import SubmissionError
from grader.grading.grade import Grader, Options
from grader.grading.outputs import contents
from grader.model import Report, Status
from grader.sandbox.inside.walls import process_tree
from grader.sandbox.warm import WarmSandbox

ROOT = Path(__file__).with_name("submissions")
GROUPS = ("forging", "reading", "exhausting", "reaching", "honest")
WALLS = ("bubblewrap", "landlock")
MARK = hostile_archives.MARK
LEAK = "LEAK"  # what an attack says when it got through
TARGET = f"{MARK}-target"  # the name of the sockets that attacks try to reach
# below those that systems hand out by themselves
FIRST_PORT = 20_000 + 10 * secrets.randbelow(1200)
PORTS = range(FIRST_PORT, FIRST_PORT + 10)
KEPT = {  # as it stands in the corpus -> as it is handed in
    b"left-by-a-submission": MARK.encode(),
    b"range(48610, 48620)": f"range({PORTS.start}, {PORTS.stop})".encode(),
}
# how the names of those begin that the trusted side deals with, behind whatever wall
AT_THE_WIRE = (
    *(
        "answer",
        "array",
        "direction",
        "empty",
        "exceptions",
        "formula",
        "html",
        "list",
        "markup",
        "message",
        "name",
    ),
    *(
        "nb_blank",
        "nb_escapes",
        "nb_external",
        "nb_flood",
        "nb_iframe",
        "nb_javascript",
        "nb_keys",
        "nb_markdown",
    ),
    *("nb_of", "nb_script", "nb_svg", "nb_ten", "one_array", "prints", "terminal", "text", "xml"),
)
SERVER = "evil.example"  # where attacks on a reader's browser would have it go
ACTING = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"  # what a terminal acts on
PR_SET_CHILD_SUBREAPER = 36
SECONDS = 20.0  # a deadline for the tests' own sake


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a tier may answer otherwise, and why."""

    why: str
    score: float
    statuses: dict[str, str]
    says: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict that a submission must get."""

    what: str  # what it tries, or what went wrong, in a sentence
    score: float = 0.0
    statuses: dict[str, str] = {}  # check -> verdict; these checks are run
    says: tuple[str, ...] = ()  # what must stand in the report
    hides: tuple[str, ...] = ()  # patterns that nothing in the report may match
    refused: str = ""  # the sentence, or a part of it, where it is not taken in at all
    name: str = ""  # the file or folder name under which it is handed in
    build: str = ""  # the function of `hostile_archives` that makes it
    times: int = 1  # handed in so often, one after the other
    hasty: bool = False  # whether it never ends, and so has but a second
    # whether it gets through where no wall is: then the attempt proves something
    proof: bool = False
    tiers: dict[str, Difference] = {}


class Case(NamedTuple):
    """A submission of the corpus."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def group(self) -> str:
        return self.folder.parent.name

    @property
    def checks(self) -> frozenset[str]:
        return frozenset(self.manifest.statuses)


class Verdict(NamedTuple):
    """What came of handing in a submission."""

    report: Report | None
    refusal: str
    files: dict[str, bytes]  # what would lie in the reports' folder

    @property
    def statuses(self) -> dict[str, str]:
        return (
            {}
            if self.report is None
            else {check.id: check.status.value for check in self.report.checks}
        )

    @property
    def text(self) -> str:
        """Every sentence of the report."""
        return "\n".join([self.refusal, *sentences(self.report)])


def cases() -> list[Case]:
    """Return the corpus, in a fixed order."""
    found = []
    for path in sorted(ROOT.glob("*/*/manifest.toml")):
        if path.parent.parent.name in GROUPS:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            found.append(Case(path.parent, msgspec.convert(raw, Manifest)))
    return found


def rests_on_the_tier(case: Case) -> bool:
    """Tell whether it is a tier that stops a submission: what is refused, or ends at the wire, is
    the same on each.
    """
    if case.id in ("honest/right", "honest/nb_right") or case.manifest.proof or case.manifest.tiers:
        return True
    at_the_wire = case.folder.name.startswith(AT_THE_WIRE)
    return (
        case.group in ("reading", "reaching", "exhausting")
        and not case.manifest.refused
        and not at_the_wire
    )


def sentences(report: Report | None) -> Iterator[str]:
    """Yield the texts of a report that a submission may have had a hand in."""
    if report is None:
        return
    yield from report.notes
    for check in report.checks:
        yield check.message
        for case in check.cases:
            yield from (case.message, case.trace, case.output, *case.notes)
            for value in case.values:
                yield from (value.message, value.got, value.expected)


# --- the assignment -------------------------------------------------------------------------------


def lay_down(folder: Path, canary: str) -> Assignment:
    """Copy the small assignment where every user may read it, record it, and lay the canary beside
    the answers.
    """
    place = folder / "assignment"
    shutil.copytree(ROOT / "assignment", place)
    folder.chmod(0o755)
    (place / "expectations").mkdir()
    for beside in (place / "expectations", place / "reference", place / "checks"):
        (beside / "canary.txt").write_text(canary)
    assignment = load(place)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    for path in place.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return assignment


def digest(folder: Path) -> str:
    """Return a digest over names, modes and contents of a folder."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts:
            data = path.read_bytes() if path.is_file() else b""
            sha.update(
                f"{path.relative_to(folder)} {path.lstat().st_mode:o} {len(data)}\n".encode() + data
            )
    return sha.hexdigest()


# --- handing in -----------------------------------------------------------------------------------


def hand_in(case: Case, folder: Path) -> Path:
    """Return the submission's path: built, or copied into a temporary folder."""
    if case.manifest.build:
        return getattr(hostile_archives, case.manifest.build)(folder, case.folder)
    place = folder / (case.manifest.name or case.folder.name)
    shutil.copytree(case.folder, place, dirs_exist_ok=True)
    for path in place.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for kept, here in KEPT.items():
            if kept in data:
                path.write_bytes(data := data.replace(kept, here))
    return place


def hurried(assignment: Assignment) -> Assignment:
    """Return the assignment with a second for everything."""
    seconds = dict.fromkeys(("call_seconds", "import_seconds", "cell_seconds"), 1.0)
    limits = msgspec.structs.replace(assignment.spec.limits, notebook_seconds=3.0, **seconds)
    return Assignment(assignment.folder, msgspec.structs.replace(assignment.spec, limits=limits))


def grade(
    grader: Grader,
    submission: Path,
    checks: frozenset[str],
    *,
    hasty: bool = False,
    files: bool = True,
) -> Verdict:
    """Grade a submission by some checks, in a sandbox that has graded others before; ``files``:
    write its reports.
    """
    grader.options = Options(isolation=grader.options.isolation, only=checks)
    patient = grader.assignment
    grader.assignment = hurried(patient) if hasty else patient
    try:
        graded = grader.grade(submission)
    except SubmissionError as error:
        return Verdict(None, str(error), {})
    finally:
        grader.assignment = patient
    return Verdict(graded.report, "", contents(graded, students_page=True) if files else {})


# --- looking at what is left ----------------------------------------------------------------------


def processes(grader: Grader) -> int:
    """Return how many processes a sandbox consists of: the zygote, bwrap around it, and boxes if
    there are any.
    """
    sandbox = grader._sandbox
    if not isinstance(sandbox, WarmSandbox) or sandbox._process is None:
        return 0
    return sum(not is_zombie(process.pid) for process in process_tree.below(sandbox._process.pid))


def settled(grader: Grader, before: int) -> int:
    """Return how many processes are there once wardens on their way out have gone."""
    deadline = time.monotonic() + SECONDS
    while processes(grader) > before and time.monotonic() < deadline:
        time.sleep(0.005)
    return processes(grader)


def is_zombie(pid: int) -> bool:
    """Tell whether a process is dead and merely not buried yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return text[text.rindex(")") + 2] in "ZX"


def scratch_folders(grader: Grader) -> list[str]:
    """Return the scratch folders that a sandbox still has."""
    sandbox = grader._sandbox
    if not isinstance(sandbox, WarmSandbox) or sandbox._process is None:
        return []
    if sandbox.tier == "landlock":
        return [path.name for path in sandbox.base.iterdir()]
    # bwrap's own processes see another root
    for process in process_tree.below(sandbox._process.pid):
        base = Path(f"/proc/{process.pid}/root{sandbox.base}")
        if base.is_dir():
            return [path.name for path in base.iterdir()]
    raise AssertionError("the sandbox's own processes are gone")


def leftovers(assignment: Assignment) -> list[str]:
    """Return the files with the attacks' mark in the places where a program may leave something."""
    home, cwd = Path.home(), Path.cwd()
    places = [
        Path("/tmp"),
        Path("/var/tmp"),
        Path("/dev/shm"),
        home,
        cwd,
        assignment.folder,
        Path("/"),
    ]
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    return [str(path) for path in found if MARK in path.name and not path.name.startswith(TARGET)]


@contextmanager
def adopting() -> Iterator[Callable[[], list[int]]]:
    """Adopt the orphans of programs that are run meanwhile; yields what says which of their
    processes are left.
    """
    before = set(process_tree.children(os.getpid()))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def left() -> list[int]:
        deadline = time.monotonic() + SECONDS
        while (found := adopted()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def adopted() -> list[int]:
        return [
            pid
            for pid in process_tree.children(os.getpid())
            if pid not in before and not is_zombie(pid)
        ]

    try:
        yield left
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for pid in set(process_tree.children(os.getpid())) - before:
            if is_zombie(pid):
                os.waitpid(pid, os.WNOHANG)


class Targets:
    """Sockets of the host that no submission may reach, and what came in on them."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}
        for name, family, kind, address in (
            ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(Path("/tmp", TARGET))),
            (
                "datagram",
                socket.AF_UNIX,
                socket.SOCK_DGRAM,
                str(Path("/tmp", f"{TARGET}-datagram")),
            ),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{TARGET}"),
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        ):
            sock = self._sockets[name] = socket.socket(family, kind)
            sock.setblocking(False)
            if family == socket.AF_INET:
                bind_first(sock, address)
            else:
                bind_here(sock, address)
            if kind == socket.SOCK_STREAM:
                sock.listen()

    def reached(self) -> list[str]:
        """Return what has been reached since the last look."""
        found = []
        for name, sock in self._sockets.items():
            try:
                if sock.type == socket.SOCK_STREAM:
                    sock.accept()[0].close()
                else:
                    sock.recv(100)
                found.append(name)
            except BlockingIOError:
                pass
        return found

    def close(self) -> None:
        """Close all and remove the files."""
        for sock in self._sockets.values():
            sock.close()
        for name in (TARGET, f"{TARGET}-datagram"):
            Path("/tmp", name).unlink(missing_ok=True)


def bind_here(sock: socket.socket, address: str) -> None:
    """Bind a unix socket to which everybody may connect."""
    if address.startswith("/"):
        Path(address).unlink(missing_ok=True)
    sock.bind(address)
    if address.startswith("/"):
        Path(address).chmod(0o666)


def bind_first(sock: socket.socket, address: str) -> None:
    """Bind to the first of the ports that attacks try."""
    for port in PORTS:
        try:
            sock.bind((address, port))
            return
        except OSError:
            continue
    raise OSError("none of the ports for the attacks is free")


# --- judging --------------------------------------------------------------------------------------


def expected(case: Case, tier: str) -> tuple[float, dict[str, str], tuple[str, ...]]:
    """Return score, statuses and sentences on a tier."""
    other = case.manifest.tiers.get(tier)
    if other is not None:
        return other.score, other.statuses, other.says
    return case.manifest.score, case.manifest.statuses, case.manifest.says


def complaints(case: Case, tier: str, verdict: Verdict, canary: str) -> list[str]:
    """Return what is not as the manifest says."""
    score, statuses, says = expected(case, tier)
    found = []
    if case.manifest.refused:
        if case.manifest.refused not in verdict.refusal:
            found.append(f"refused with {verdict.refusal!r}, not with {case.manifest.refused!r}")
    elif verdict.refusal:
        found.append(f"refused: {verdict.refusal}")
    if verdict.report is not None:
        if verdict.statuses != statuses:
            found.append(f"verdicts {verdict.statuses}, expected {statuses}")
        if verdict.report.score != score:
            found.append(f"score {verdict.report.score:g}, expected {score:g}")
        if verdict.report.isolation != tier:
            found.append(f"graded on {verdict.report.isolation}")
        found += [
            f"{check.id}: our fault? {check.message}"
            for check in verdict.report.checks
            if check.status is Status.ERROR and statuses.get(check.id) != "error"
        ]
    found += [f"the report does not say {text!r}" for text in says if text not in verdict.text]
    for pattern in (*case.manifest.hides, ACTING):
        match = re.search(pattern, verdict.text)
        if match:
            found.append(f"the report holds {match[0][:80]!r}")
    everything = b"\n".join(verdict.files.values()).decode("utf-8", "replace")
    found += [f"{word} got out" for word in (canary,) if word in everything or word in verdict.text]
    for name, data in verdict.files.items():
        acting = Page(data.decode("utf-8", "replace")).acting if name.endswith(".html") else []
        found += [f"{name} acts: {text[:200]}" for text in acting]
    if f"{LEAK}:" in verdict.text:
        found.append("it got through")
    return found


class Page(html.parser.HTMLParser):
    """Gathers what a browser would act on in a page: the values of attributes, and scripts and
    styles.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.acting: list[str] = []
        self._raw = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw = tag in ("script", "style")
        self.acting += [
            f"<{tag} {name}={value}>"
            for name, value in attrs
            if SERVER in (value or "") or name[:2] == "on"
        ]
        self.acting += (
            [f"<{tag}>"]
            if tag in ("iframe", "object", "embed", "base", "form", "foreignobject")
            else []
        )

    def handle_data(self, data: str) -> None:
        if self._raw and SERVER in data:
            self.acting.append(data)
        self._raw = False


def unlike(one: Any, other: Any) -> list[str]:
    """Return where two reports differ in marks or sentences."""
    return [f"{a!r} against {b!r}" for a, b in zip(told(one), told(other), strict=False) if a != b]


def told(verdict: Verdict) -> list[str]:
    """Return the marks and sentences of a verdict, times left out."""
    report = verdict.report
    if report is None:
        return [verdict.refusal]
    marks = [f"{check.id} {check.status} {check.points:g}" for check in report.checks]
    return [f"{report.score:g}", *marks, *sentences(report)]
