"""The store of decisions: nothing is lost, nothing is overwritten unseen, everything can be taken
back.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.classroom.marks.decisions import NAME, Change, Decision, Journal, Record, key_of
from grader.errors import GraderFault, Outdated, UsageError


def change(key: str, value: bytes | None, version: int) -> Change:
    return Change(kind="decision", key=key, value=value, version=version)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "desk.sqlite3", create=True)
    yield opened
    opened.close()


def test_a_write_names_the_version_that_it_was_made_on(store: Journal) -> None:
    first = store.write("ta1", "one", [change("k", b"1", 0)])
    with pytest.raises(Outdated) as late:
        store.write("ta2", "other", [change("k", b"2", 0)])
    assert late.value.who == "ta1"
    assert store.record("decision", "k") == Record(b"1", first)
    store.write("ta2", "other", [change("k", b"2", first)])
    assert store.record("decision", "k").value == b"2"


def test_an_action_is_written_in_one_piece_or_not_at_all(store: Journal) -> None:
    store.write("ta1", "one", [change("b", b"1", 0)])
    with pytest.raises(Outdated):
        store.write("ta2", "both", [change("a", b"2", 0), change("b", b"2", 0)])
    assert store.record("decision", "a") == Record(None, 0)
    assert len(store.all_lines()) == 1


def test_the_journal_only_grows(store: Journal) -> None:
    store.write("ta1", "one", [change("k", b"1", 0)])
    base = sqlite3.connect(store.path)
    for statement in ("UPDATE journal SET who = 'ta2'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            base.execute(statement)
    base.close()


def test_undo_takes_back_the_whole_action_and_the_one_before_it_then(store: Journal) -> None:
    first = store.write("ta1", "two", [change("a", b"1", 0), change("b", b"1", 0)])
    store.write("ta1", "again", [change("a", b"2", first)])
    assert store.undo("ta1") is not None
    assert store.record("decision", "a").value == b"1"
    assert store.undo("ta1") is not None
    assert store.records("decision") == {}
    assert store.undo("ta1") is None


def test_undo_takes_back_nothing_that_somebody_has_changed_since(store: Journal) -> None:
    first = store.write("ta1", "one", [change("a", b"1", 0)])
    store.write("ta2", "two", [change("a", b"2", first)])
    with pytest.raises(Outdated) as late:
        store.undo("ta1")
    assert late.value.who == "ta2"
    assert store.record("decision", "a").value == b"2"


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from("xyz"), st.integers(0, 3), st.booleans()),
        max_size=15,
    )
)
def test_whatever_is_written_and_undone_the_records_are_what_the_journal_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    store = Journal(folder / "desk.sqlite3", create=True)
    expected: dict[str, bytes] = {}
    past: list[tuple[str, str, bytes | None, int]] = []
    for who, key, value, undo in steps:
        if undo:
            own = [step for step in past if step[0] == who]
            latest = {step[1]: step for step in past}
            if own and latest[own[-1][1]] is own[-1]:
                assert store.undo(who) is not None
                _, undone, before, _ = own[-1]
                past.remove(own[-1])
                if before is None:
                    expected.pop(undone)
                else:
                    expected[undone] = before
            continue
        data = str(value).encode()
        store.write(who, "step", [change(key, data, store.record("decision", key).version)])
        past.append((who, key, expected.get(key), len(store.all_lines())))
        expected[key] = data
    shown = {key: record.value for key, record in store.records("decision").items()}
    replayed: dict[str, bytes | None] = {}
    for line in store.all_lines():
        assert replayed.get(line.key) == line.before
        replayed[line.key] = line.after
    store.close()
    again = Journal(folder / "desk.sqlite3")
    assert (
        {key: record.value for key, record in again.records("decision").items()}
        == shown
        == expected
    )
    assert {key: value for key, value in replayed.items() if value is not None} == expected
    again.close()


WRITER = """
import sys
from pathlib import Path
from grader.classroom.marks.decisions import Change, Journal
store = Journal(Path(sys.argv[1]), create=True)
version = 0
for number in range(100_000):
    changes = [Change(kind="d", key=key, value=str(number).encode(), version=store.record("d", key).version)
               for key in "abc"]
    store.write("ta1", "step", changes)
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_killed_process_has_lost_nothing_that_it_confirmed(tmp_path: Path, after: int) -> None:
    path = tmp_path / "desk.sqlite3"
    confirmed = 0
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(after):
            confirmed = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split()
    confirmed = int(rest[-1]) if rest else confirmed
    store = Journal(path)
    values = {record.value for record in store.records("d").values()}
    assert len(values) == 1  # one action is one piece
    assert int(values.pop() or b"-1") >= confirmed
    store.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be read", b"\0" * 4096]
)
def test_a_file_that_is_no_journal_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "desk.sqlite3"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        Journal(path, create=True)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite3"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE notes (text TEXT)")
    base.commit()
    base.close()
    with pytest.raises(UsageError, match="another program"):
        Journal(path, create=True)


def test_what_can_not_be_written_is_our_fault_and_changes_nothing(store: Journal) -> None:
    store._base.execute("PRAGMA query_only = ON")
    with pytest.raises(GraderFault):
        store.write("ta1", "one", [change("k", b"1", 0)])
    assert store.record("decision", "k") == Record(None, 0)


def test_the_file_is_its_owners_alone(store: Journal) -> None:
    assert store.path.stat().st_mode & 0o077 == 0


def test_journals_of_shards_become_one_with_their_authors_times_and_undos(
    tmp_path: Path, store: Journal
) -> None:
    other = Journal(tmp_path / "other.sqlite3", create=True)
    store.write("ta1", "both", [change("same", b"1", 0), change("a", b"1", 0)])
    first = other.write("ta2", "both", [change("same", b"2", 0), change("b", b"2", 0)])
    other.write("ta2", "again", [change("b", b"3", first + 1)])
    assert other.undo("ta2") is not None
    store.take(other)
    shown = {key: record.value for key, record in store.records("decision").items()}
    assert shown == {"same": b"1", "a": b"1", "b": b"2"}
    taken = [line for line in store.all_lines() if line.who == "ta2"]
    assert [line.after for line in taken] == [b"2", b"3", b"2"]
    assert [line.time for line in taken] == [
        line.time for line in other.all_lines() if line.key == "b"
    ]
    assert store.undo("ta2") is not None  # what was undone there is undone here
    assert "b" not in store.records("decision")
    other.close()


def test_a_merged_class_has_the_decisions_of_its_shards(tmp_path: Path) -> None:
    import made

    from grader.classroom.marks import decided
    from grader.classroom.run.merge import merge

    for number in (0, 1):
        shard = made.build(tmp_path / f"shard{number}", 0, entries=[made.entry(number)])
        class_ = shard.read_class()
        shard.write_class(msgspec.structs.replace(class_, shards=(number + 1,), of=2))
        journal = Journal(shard.out / NAME, create=True)
        seen = made.answers_of(number)[made.WHY].seen
        value = msgspec.json.encode(Decision(add=1.0, seen=seen, who="ta1"))
        key = key_of(f"answer:{made.WHY}", f"s{number:04}")
        journal.write("ta1", "graded", [Change(kind="decision", key=key, value=value, version=0)])
        journal.close()
    merged = merge([tmp_path / "shard0", tmp_path / "shard1"], tmp_path / "whole")
    book = decided.book(tmp_path / "whole")
    assert [book.of(f"s{number:04}", merged)[0].points for number in (0, 1)] == [1.0, 1.0]
