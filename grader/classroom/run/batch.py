"""Grades a class: what is missing or has changed goes to workers, what comes back is written as it
comes.

Theory of operation. The coordinator alone reads submissions (by the intake, one at a time, against
its limits) and alone writes results. A worker gets the files that the spec names and gives back
finished reports; it may die at any moment, and costs one submission one more try. Nothing is held
of a submission once its result is on disk but a `Row`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from posixpath import basename

import msgspec

from grader import __version__
from grader.assignment.spec import Assignment
from grader.classroom.download import download_tree, hand_ins, roster
from grader.classroom.download.students import Entry, tidy
from grader.classroom.marks import decided, overrides, written_answers
from grader.classroom.marks.course_marks import Rules, total
from grader.classroom.marks.gradebook import line_of
from grader.classroom.run import output_folder, regrade, worker
from grader.classroom.run.cache_keys import assignment_digest, digest_of, in_shard
from grader.classroom.run.result_store import RESERVED, Store
from grader.classroom.run.results import CLASS_SCHEMA, ClassFile, Row, SubmissionOutcome, class_file
from grader.classroom.run.run_types import BatchOptions, Event, Totals, Workers
from grader.classroom.run.unchanged import Unchanged
from grader.errors import CannotGrade, GraderFault, SubmissionError
from grader.finished_tasks import FinishedTasks
from grader.grading.grade import wanted
from grader.grading.intake.take import Taken
from grader.grading.intake.text_notebooks import take_in

TRIES = 2  # of a submission whose worker died or whose grading failed by our fault
PAUSE = 1.0  # seconds before what failed by the machine's fault is tried once more
# seconds after which a task of a cluster is given out once more: a host may have been cut off
PATIENCE = 180.0


class _Job(msgspec.Struct, kw_only=True):
    """One submission on its way."""

    entry: Entry
    submission: str  # digest of what was handed in
    key: str
    assignment: str  # digest of the one that the whole result will be of
    task: worker.Task
    earlier: Row | None = None
    noted: tuple[str, ...] | None = None  # what the earlier result noted
    look: tuple[str, ...] = ()  # why a person should look at what was handed in
    tries: int = 0
    copies: int = 0  # under way at this moment
    since: float = 0.0
    done: bool = False

    def of(self, key: str, assignment: str) -> _Job:
        """Return the same with another key, of another assignment."""
        return msgspec.structs.replace(self, key=key, assignment=assignment)


class _Pending:
    """What workers are at."""

    def __init__(self, workers: Workers, finished: FinishedTasks) -> None:
        self.workers = workers
        self.jobs: dict[Future[bytes], _Job] = {}
        self._finished = finished

    @property
    def has_room(self) -> bool:
        """Whether one more would not have to wait."""
        return len(self.jobs) < self.workers.capacity

    def submit(self, job: _Job, task: worker.Task | None = None) -> None:
        """Give a job out; `task`: in place of its own."""
        job.copies += 1
        job.since = time.monotonic()
        future = self.workers.submit(worker.grade, msgspec.msgpack.encode(task or job.task))
        self.jobs[future] = job
        self._finished.add(future)


class Batch:
    """One run over a class."""

    def __init__(
        self, assignment: Assignment, options: BatchOptions, tell: Callable[[Event], None]
    ) -> None:
        self.assignment = assignment
        self.options = options
        self.tell = tell
        self.store = Store(options.out)
        self.totals = Totals()
        self.inline = written_answers.questions(assignment)
        self._overrides_path = options.overrides or options.out / overrides.NAME
        self._overrides = overrides.read(self._overrides_path)
        self._book = decided.book(options.out)
        self._roster = roster.read(options.roster) if options.roster else None
        self._digest = assignment_digest(assignment, verified=self.store.verified())
        self._wanted = wanted(assignment)
        self._bundle = b""
        self._again: list[_Job] = []  # to be done next
        self._later: list[_Job] = []  # to be tried once more, alone, when all others are done
        self._followers: dict[str, list[Entry]] = {}  # student -> those who handed in the same
        self._regrade_run = ""
        of = digest_of([self._digest, options.isolation, __version__])
        self._unchanged = Unchanged(self.store, of)
        self.settled = 0
        self.class_: ClassFile

    def run(self, open_workers: Callable[[Path], Workers]) -> Totals:
        """Grade what is missing or has changed; raise `CannotGrade` if nothing can be graded."""
        regrade.verify(self.assignment.spec, self.options.regrade)
        options, start = self.options, time.monotonic()
        output_folder.apart(options.submissions, options.out)
        besides = (options.roster, options.overrides, options.submissions)
        output_folder.verify(
            self.store, self.assignment.spec.name, shard=options.shard, besides=besides
        )
        with (
            download_tree.open_tree(options.submissions, options.out, self._wanted.limits) as tree,
            self.store.locked() as work,
        ):
            self._read_class(tree)
            if options.regrade:
                self._regrade_run = regrade.begin(options.out, options.regrade, self._digest)
            self._grade(tree, work, open_workers)
            if options.regrade:
                regrade.end(options.out)
            else:
                self._unchanged.write()
            self.class_ = msgspec.structs.replace(
                self.class_, seconds=round(time.monotonic() - start, 1)
            )
            self.store.write_class(self.class_)
        return self.totals

    def _read_class(self, tree: download_tree.Tree) -> None:
        """Read who is in the class and what they handed in, write it, and say how many there
        are.
        """
        found = hand_ins.read(tree, self._roster, self._asking())
        shard = self.options.shard
        own = [entry for entry in found.entries if in_shard(entry.student, shard)]
        entries = hand_ins.with_leaders(own)
        self.class_ = class_file(
            self.assignment, self._digest, found.layout, self.inline, entries, shard
        )
        known: dict[str, Collection[str]] = {
            "student": set(map(attrgetter("student"), found.entries)),
            "check": set(map(attrgetter("id"), self.assignment.spec.checks)),
            "answer": set(map(attrgetter("id"), self.inline)),
        }
        overrides.verify(self._overrides, self._overrides_path, known)
        self.store.write_class(self.class_)
        students = len(entries)
        self.totals.students = students
        self.totals.strangers = students - sum(map(attrgetter("on_roster"), entries))
        self.tell(Event(text=f"{students} students ({found.layout})", total=students))
        if tree.aside:
            names = ", ".join(map(tidy, tree.aside, repeat(60)))
            text = f"results, not submissions, and left aside: {names}"
            self.tell(Event(text=text, total=students))

    def _asking(self) -> hand_ins.Asking:
        spec = self.assignment.spec
        return hand_ins.Asking(
            assignment=spec.name,
            wanted=frozenset(map(basename, self._wanted.paths)),
            reserved=RESERVED,
            answers=self._overrides.answers,
            groups=roster.read(self.options.groups) if self.options.groups else None,
        )

    # --- the loop ---------------------------------------------------------------------------------

    def _grade(
        self, tree: download_tree.Tree, work: Path, open_workers: Callable[[Path], Workers]
    ) -> None:
        """Keep the workers busy until nothing is left; leave at once if this is interrupted."""
        jobs = self._jobs(tree)
        first = next(jobs, None)
        if first is None:
            return
        workers = open_workers(work)
        with FinishedTasks() as finished:
            try:
                self._keep_busy(workers, first, jobs, finished)
            except BaseException:
                workers.abort()
                raise
            workers.shutdown()

    def _keep_busy(
        self, workers: Workers, first: _Job, jobs: Iterator[_Job], finished: FinishedTasks
    ) -> None:
        pending = _Pending(workers, finished)
        ready: _Job | None = first
        while ready is not None or pending.jobs or self._later:
            while ready is not None and pending.has_room:
                pending.submit(ready)
                ready = self._next(jobs)
            # what failed by the machine's fault: alone, after a pause for it to pass
            if not pending.jobs:
                time.sleep(PAUSE)
                pending.submit(self._later.pop(0))
            done = [(future, pending.jobs.pop(future)) for future in finished.get(10.0)]
            if ready is not None and pending.has_room and done:
                # before anything is written: nobody is to wait for that
                pending.submit(ready)
                ready = None
            for future, job in done:
                self._finish(pending, job, future)
            self._remind(pending)
            ready = ready or self._next(jobs)

    def _next(self, jobs: Iterator[_Job]) -> _Job | None:
        return self._again.pop() if self._again else next(jobs, None)

    def _finish(self, pending: _Pending, job: _Job, future: Future[bytes]) -> None:
        """Write what came of a submission, or try once more."""
        job.copies -= 1
        if job.done:  # its other copy was faster
            return
        try:
            done = msgspec.msgpack.decode(future.result(), type=worker.Done)
        # a worker that died, a host that is gone, an answer that was cut off
        except Exception as error:
            if getattr(pending.workers, "alive", True) is False:
                raise CannotGrade(
                    "the cluster is gone; the same command goes on where this stopped"
                ) from error
            done = worker.Done(
                fault=f"a worker ended without an answer ({type(error).__name__}: {error})"[:500]
            )
        if done.cannot:
            raise CannotGrade(done.cannot)
        if done.needs_bundle:
            self._bundle = self._bundle or worker.bundle(self.assignment)
            with_it = msgspec.structs.replace(job.task, bundle=self._bundle)
            pending.submit(job, with_it)
            return
        if done.fault or done.doubtful:
            job.tries += 1
            if job.tries < TRIES:
                self.store.log(
                    student=job.entry.student, retry=done.fault or "something of ours failed"
                )
                self._later.append(job)
                return
        job.done = True
        self._keep(job, done)

    def _remind(self, pending: _Pending) -> None:
        """Give a task of a cluster out once more that has taken far too long: whichever answer
        comes first counts.
        """
        if not self.options.remote:
            return
        limit = max(PATIENCE, 2 * self.assignment.spec.limits.notebook_seconds)
        for job in list(pending.jobs.values()):
            if not job.done and job.copies == 1 and time.monotonic() - job.since > limit:
                pending.submit(job)

    # --- what is to be done -----------------------------------------------------------------------

    def _jobs(self, tree: download_tree.Tree) -> Iterator[_Job]:
        """Yield what needs grading or rendering; what needs neither, or can't be taken in, is
        settled here.
        """
        for entry in self.class_.entries:
            if entry.shared:
                self._followers.setdefault(entry.shared, []).append(entry)
        for entry in self.class_.entries:
            if entry.shared:
                continue  # settled with the first of the group
            if entry.missing or entry.asked:
                self.store.remove(entry.folder)
                self.totals.missing += entry.missing
                self.totals.asked += bool(entry.asked)
                self.tell(self._event(entry, None))
                continue
            job = self._looked_at(tree, entry)
            if job is not None:
                yield job
            else:
                while self._again:
                    yield self._again.pop()

    def _looked_at(self, tree: download_tree.Tree, entry: Entry) -> _Job | None:
        """Return what is to be done for a hand-in, or settle it here and return None."""
        rules = self.rules(entry)
        row = there = self.store.row(entry.folder, entry.student)
        if self._unchanged.holds(tree, entry) and row is not None and self._stands(row, rules):
            self._reuse(entry, row, untouched=True)
            return None
        try:
            with tree.opened(entry.paths, entry.files) as path:
                left_out = tree.left_out
                taken = take_in(path, self._wanted)
        except SubmissionError as error:
            self._refuse(entry, str(error))
            return None
        # the machine's fault: a full disk, a file that can't be read
        except (GraderFault, OSError) as error:
            self._fault(entry, f"{error}")
            return None
        if left_out:
            taken = msgspec.structs.replace(taken, notes=(*taken.notes, *left_out))
        if row is not None and row.before is not None:
            row = row.before
        job = self._job(entry, taken, row, rules)
        if job is None:
            assert row is not None
            if row is not there:
                self.store.restore(entry.folder, row)
            self._reuse(entry, row)
        return job

    def _stands(self, row: Row, rules: Rules) -> bool:
        """Tell whether a result whose files are as they were needs nothing more."""
        same = (
            row.outcome is SubmissionOutcome.GRADED
            and row.complete
            and row.rules == digest_of(rules)
        )
        return same and not self.options.regrade

    def _reuse(self, entry: Entry, row: Row, *, untouched: bool = False) -> None:
        """Count a result as it is."""
        self._unchanged.settle(entry, untouched=untouched)
        self.totals.reused += 1
        self._settle(entry, row, reused=True)
        self._follow(entry, row)

    def _job(self, entry: Entry, taken: Taken, row: Row | None, rules: Rules) -> _Job | None:
        """Return what is to be done for a submission, or None."""
        submission = digest_of([taken.digest, list(taken.notes)])
        key = digest_of([submission, self._digest, self.options.isolation, __version__])
        task = self._task(entry, rules, taken, {})
        job = _Job(
            entry=entry,
            submission=submission,
            key=key,
            assignment=self._digest,
            task=task,
            earlier=row,
            look=taken.look,
        )
        changed = msgspec.structs.replace(job, earlier=None)
        damaged = self.store.damaged(entry.folder, row) if row is not None else set()
        if row is None or self.store.must_be_graded_again(row, damaged):
            return changed
        asked = self.options.regrade
        if asked and row.submission == submission and row.complete_but(asked):
            if set(map(row.regraded.get, asked)) != {self._regrade_run}:
                only = regrade.to_run(self.assignment.spec, asked, row)
                task = msgspec.structs.replace(
                    task, only=only, earlier=self.store.kept(entry.folder)
                )
                return msgspec.structs.replace(job, task=task).of(
                    *regrade.key_of(row, key, self._digest)
                )
        elif row.key != key or not row.complete:
            return changed
        if row.rules != digest_of(rules) or damaged:
            task = msgspec.structs.replace(task, taken=None, earlier=self.store.kept(entry.folder))
            job = msgspec.structs.replace(job, task=task, noted=row.notes)
            return job.of(row.key, row.assignment)
        return None

    def _task(
        self, entry: Entry, rules: Rules, taken: Taken | None, earlier: Mapping[str, bytes]
    ) -> worker.Task:
        """Return what a worker is asked to do: grade what was taken in, or render what there is."""
        return worker.Task(
            digest=self._digest,
            folder="" if self.options.remote else str(self.assignment.folder),
            isolation=self.options.isolation,
            title=entry.titled,
            taken=taken,
            earlier=earlier,
            inline=self.inline,
            rules=rules,
        )

    def rules(self, entry: Entry) -> Rules:
        """Return all that makes a student's mark besides the checks."""
        own = self._book.of(entry.student, self.class_)
        return overrides.rules_of(
            entry, self.assignment.spec.late, self._overrides, self.inline, own
        )

    # --- what came of it --------------------------------------------------------------------------

    def _keep(self, job: _Job, done: worker.Done) -> None:
        """Write a result, then its line of the log."""
        entry = job.entry
        if done.fault and job.earlier is not None:
            self._keep_earlier(entry, job.earlier, done.fault)
            return
        row = self._row(job, done)
        if done.fault:
            self.store.write_fault(entry.folder, row)
        else:
            self.store.write(entry.folder, done.files, row)
            self._unchanged.settle(entry)
        if job.task.taken is None:
            self.totals.rendered += 1
        else:
            self.totals.graded += 1
            self._log(row, done.worker, job.tries)
        self._settle(entry, row)
        self._follow(entry, row)

    def _keep_earlier(self, entry: Entry, earlier: Row, why: str) -> None:
        """Say that the grader failed; the earlier result is better than nothing and stays until the
        next run.
        """
        self.store.log(student=entry.student, outcome=SubmissionOutcome.FAULT.value, message=why)
        self.totals.faults += 1
        row = msgspec.structs.replace(earlier, outcome=SubmissionOutcome.FAULT, message=why)
        self.tell(self._event(entry, row))

    def _row(self, job: _Job, done: worker.Done) -> Row:
        """Return the row of what a worker answered."""
        regraded = dict(job.earlier.regraded) if job.earlier else {}
        regraded |= dict.fromkeys(job.task.only, self._regrade_run)
        return Row(
            schema=CLASS_SCHEMA,
            student=job.entry.student,
            submission=job.submission,
            key=job.key,
            assignment=job.assignment,
            rules=digest_of(job.task.rules),
            outcome=SubmissionOutcome.FAULT if done.fault else SubmissionOutcome.GRADED,
            message=done.fault,
            checks=done.checks,
            answered=done.answered,
            texts=done.texts,
            notes=done.notes if job.task.taken is not None or job.noted is None else job.noted,
            look=tuple(dict.fromkeys((*job.look, *done.look))),
            seconds=done.seconds,
            started=done.started,
            isolation=done.isolation,
            regraded=regraded,
        )

    def _follow(self, leader: Entry, row: Row) -> None:
        """Give what became of a group's hand-in to the others of the group: it is graded once."""
        for entry in self._followers.pop(leader.student, ()):
            if row.outcome is SubmissionOutcome.REFUSED:
                self._refuse(entry, row.message)
                continue
            if row.outcome is SubmissionOutcome.FAULT:
                self._fault(entry, row.message)
                continue
            rules, own = self.rules(entry), self.store.row(entry.folder, entry.student)
            same = own is not None and own.key == row.key and own.rules == digest_of(rules)
            whole = own is not None and own.complete
            if own is not None and same and whole and not self.store.damaged(entry.folder, own):
                self.totals.reused += 1
                self._settle(entry, own, reused=True)
                continue
            task = self._task(entry, rules, None, self.store.kept(leader.folder))
            self._again.append(
                _Job(
                    entry=entry,
                    submission=row.submission,
                    key=row.key,
                    assignment=row.assignment,
                    task=task,
                    noted=row.notes,
                    look=row.look,
                )
            )

    def _fault(self, entry: Entry, why: str) -> None:
        """Write that the grader failed before a submission reached a worker: no mark, and the next
        run tries again.
        """
        row = Row(
            schema=CLASS_SCHEMA,
            student=entry.student,
            key="",
            outcome=SubmissionOutcome.FAULT,
            message=why,
        )
        self.store.write_fault(entry.folder, row)
        self._log(row, "", 0)
        self._settle(entry, row)
        self._follow(entry, row)

    def _refuse(self, entry: Entry, why: str) -> None:
        """Write that a submission can't be taken in: no points, and the reason where the reports
        would be.
        """
        row = Row(
            schema=CLASS_SCHEMA,
            student=entry.student,
            key=digest_of([why, __version__]),
            outcome=SubmissionOutcome.REFUSED,
            message=why,
        )
        earlier = self.store.row(entry.folder, entry.student)
        if earlier is None or earlier.key != row.key:
            files = {"refused.txt": f"{why}\n".encode("utf-8", "replace")}
            self.store.write(entry.folder, files, row)
            self._log(row, "", 0)
        self._settle(entry, row)
        self._follow(entry, row)

    def _log(self, row: Row, worker: str, tries: int) -> None:
        self.store.log(
            student=row.student,
            outcome=row.outcome.value,
            points=total(row.checks),
            seconds=row.seconds,
            worker=worker,
            tries=tries + 1,
            failed=row.failed,
            message=row.message,
        )

    def _settle(self, entry: Entry, row: Row, *, reused: bool = False) -> None:
        """Count what became of a submission, and tell it."""
        self.totals.refused += row.outcome is SubmissionOutcome.REFUSED
        self.totals.faults += not row.complete
        self.totals.all_passed &= row.passed
        self.tell(self._event(entry, row, reused=reused))

    def _event(self, entry: Entry, row: Row | None, *, reused: bool = False) -> Event:
        self.settled += 1
        marks = line_of(entry, row, self.rules(entry)).marks
        return Event(
            student=entry.student,
            row=row,
            marks=marks,
            done=self.settled,
            total=self.totals.students,
            reused=reused,
            asked=entry.asked,
        )
