from dataclasses import dataclass


@dataclass(order=False, eq=True, frozen=True)
class Money:
    cents: int

    def __post_init__(self):
        if type(self.cents) is not int:
            raise TypeError("whole cents only")

    def __str__(self):
        text = str(abs(self.cents)).zfill(3)
        return ("-" if self.cents < 0 else "") + text[:-2] + "." + text[-2:]

    def __add__(self, other):
        if isinstance(other, Money):
            return Money(self.cents + other.cents)
        raise TypeError(f"money and {other!r} can't be added")

    def __mul__(self, times):
        if not isinstance(times, int):
            raise TypeError("whole times only")
        return Money(self.cents * times)

    __rmul__ = __mul__

    def __lt__(self, other):
        if isinstance(other, Money):
            return self.cents < other.cents
        return NotImplemented

    def __le__(self, other):
        return not other < self

    def __gt__(self, other):
        return other < self

    def __ge__(self, other):
        return not self < other
