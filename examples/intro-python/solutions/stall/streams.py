"""Streams: generators, which make one thing after another when asked, and a context manager."""


def ticket_numbers(first=1):
    """Yield the texts 'A001', 'A002', ... from the number `first` on, for ever: after 'A999' comes 'B001'.

    After 'Z999' it begins again with 'A001'.
    """
    ### BEGIN SOLUTION Task 4.1: ticket_numbers
    number = first - 1
    while True:
        letter, rest = divmod(number, 999)
        yield f"{chr(ord('A') + letter % 26)}{rest + 1:03}"
        number += 1
    ### END SOLUTION


def batches(items, size):
    """Yield lists of `size` items each, the last one perhaps shorter.

    `items` may be anything that a for loop can go through, also without an end: yield a batch as soon as it is full.
    """
    ### BEGIN SOLUTION Task 4.2: batches
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
    ### END SOLUTION


def running_totals(amounts):
    """Yield the sum of the amounts up to and with each one: 3, 5, 4 for 3, 2, -1."""
    ### BEGIN SOLUTION Task 4.3: running_totals
    total = 0
    for amount in amounts:
        total += amount
        yield total
    ### END SOLUTION


class Journal:
    """A context manager that writes notes into a file: `with Journal(path) as journal: journal.note("open")`.

    Entering it returns the journal itself. Leaving it writes the notes behind what the file holds already, a line each,
    and, if an exception ended the block, the line `ended by ` and the name of the exception's type. The exception goes
    on. `notes` is the list of the notes so far.
    """

    def __init__(self, path):
        self.path = path
        self.notes = []

    def note(self, text):
        """Keep a note."""
        ### BEGIN SOLUTION Task 4.4: Journal.note
        self.notes.append(text)
        ### END SOLUTION

    def __enter__(self):
        ### BEGIN SOLUTION Task 4.5: Journal.__enter__
        return self
        ### END SOLUTION

    def __exit__(self, kind, error, trace):
        ### BEGIN SOLUTION Task 4.6: Journal.__exit__
        lines = list(self.notes)
        if kind is not None:
            lines.append(f"ended by {kind.__name__}")
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return False
        ### END SOLUTION
