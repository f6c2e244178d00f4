"""Checks of the generators and of the context manager."""

import pytest


@pytest.mark.parametrize("first", [1, 998, 26 * 999], ids=["A001", "A998", "Z999"])
def test_ticket_numbers(student, expect, first):
    """Ticket numbers without an end."""
    expect("tickets", student.builtins.list(student.itertools.islice(student.ticket_numbers(first), 4)))


@pytest.mark.parametrize("n", [0, 1, 6, 11])
def test_batches(student, expect, rng, n):
    """Batches of three; a batch comes as soon as it is full."""
    items = rng.integers(0, 100, n).tolist()
    expect("batches", student.builtins.list(student.batches(items, 3)))
    endless = student.batches(student.itertools.count(n), 2)
    expect("without an end", [student.builtins.next(endless), student.builtins.next(endless)])


@pytest.mark.parametrize("n", [0, 1, 7])
def test_running_totals(student, expect, rng, n):
    """The sums so far."""
    expect("totals", student.builtins.list(student.running_totals(rng.integers(-20, 20, n).tolist())))
    endless = student.running_totals(student.itertools.count(1))
    expect("without an end", student.builtins.list(student.itertools.islice(endless, 3)))


def test_journal(student, expect, rng):
    """Notes are written behind what the file holds, when the block ends, however it ends."""
    student.files["journal.txt"] = "yesterday\n"
    journal = student.Journal("journal.txt")
    with journal:
        journal.note(f"{rng.integers(1, 99)} pears")
        journal.note("closed")
        expect("before the end", student.files["journal.txt"])
    expect("notes", journal.notes)
    expect("written", student.files["journal.txt"])
    with pytest.raises(ZeroDivisionError), (other := student.Journal("other.txt")):
        other.note("open")
        raise ZeroDivisionError
    expect("ended", student.files["other.txt"])
    expect("notes as before", other.notes)
