def ticket_numbers(first=1):
    letter, number = (first - 1) // 999 % 26, (first - 1) % 999 + 1
    while True:
        yield "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[letter] + "%03d" % number
        number = number + 1
        if number > 999:
            number = 1
            letter = letter + 1
            if letter == 26:
                letter = 0


class Batches:
    def __init__(self, items, size):
        self.items, self.size = iter(items), size

    def __iter__(self):
        return self

    def __next__(self):
        found = []
        while len(found) < self.size:
            try:
                found.append(next(self.items))
            except StopIteration:
                break
        if not found:
            raise StopIteration
        return tuple(found)


batches = Batches


def running_totals(amounts):
    print("counting", amounts)
    seen = []
    for amount in amounts:
        seen.append(amount)
        yield sum(seen)


class Journal:
    def __init__(self, path):
        self.path = path
        self.notes = []

    def note(self, text):
        print("noted:", text)
        self.notes = [*self.notes, text]

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        old = ""
        try:
            old = open(self.path).read()
        except FileNotFoundError:
            pass
        for text in self.notes:
            old += text + "\n"
        if error is not None:
            old += f"ended by {type(error).__name__}\n"
        open(self.path, "w").write(old)
