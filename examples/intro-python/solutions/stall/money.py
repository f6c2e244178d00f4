"""Money: a class with operators."""

import functools


@functools.total_ordering
class Money:
    """An amount of money, held as whole cents in the attribute `cents`, so that nothing is ever rounded."""

    def __init__(self, cents):
        """Keep the cents. Raise a TypeError if they are not an int: Money(1.5) makes no sense."""
        ### BEGIN SOLUTION Task 1.1: Money.__init__
        if not isinstance(cents, int):
            raise TypeError(f"cents have to be a whole number, not {cents!r}")
        self.cents = cents
        ### END SOLUTION

    def __str__(self):
        """Return the amount in coins and cents: '12.05' for 1205 cents, '-0.50' for -50."""
        ### BEGIN SOLUTION Task 1.2: Money.__str__
        sign = "-" if self.cents < 0 else ""
        coins, cents = divmod(abs(self.cents), 100)
        return f"{sign}{coins}.{cents:02}"
        ### END SOLUTION

    def __add__(self, other):
        """Return the sum as a new Money. Money plus anything else is a TypeError: return NotImplemented."""
        ### BEGIN SOLUTION Task 1.3: Money.__add__
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.cents + other.cents)
        ### END SOLUTION

    def __mul__(self, times):
        """Return `times` (an int) as much, as a new Money."""
        ### BEGIN SOLUTION Task 1.4: Money.__mul__
        if not isinstance(times, int):
            return NotImplemented
        return Money(self.cents * times)
        ### END SOLUTION

    def __eq__(self, other):
        """Return whether the other is as much Money; money never equals a number."""
        ### BEGIN SOLUTION Task 1.5: Money.__eq__
        return isinstance(other, Money) and self.cents == other.cents
        ### END SOLUTION

    def __lt__(self, other):
        """Return whether this is less than the other Money; `total_ordering` makes <=, > and >= of it."""
        ### BEGIN SOLUTION Task 1.6: Money.__lt__
        if not isinstance(other, Money):
            return NotImplemented
        return self.cents < other.cents
        ### END SOLUTION
