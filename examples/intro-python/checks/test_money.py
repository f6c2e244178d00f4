"""Checks of the class with operators."""

import pytest


@pytest.mark.parametrize("cents", [1205, 7, -50, -1, 0], ids=["coins", "below one", "negative", "one less", "nothing"])
def test_money_text(student, expect, rng, cents):
    """An amount as text; cents that are not whole are refused."""
    expect("text", str(student.Money(cents)))
    expect("another text", str(student.Money(int(rng.integers(-99_999, 99_999)))))
    expect("cents", student.Money(cents).cents)
    expect.raises(TypeError, student.Money, 1.5)


def test_money_sums(student, expect, rng):
    """Sums and multiples are new amounts; money plus a number is a TypeError."""
    ours, theirs = (int(cents) for cents in rng.integers(1, 10_000, 2))
    purse, coin = student.Money(ours), student.Money(theirs)
    expect("sum", student.operator.add(purse, coin).cents)
    expect("text of a sum", str(student.operator.add(purse, coin)))
    expect("thrice", student.operator.mul(purse, 3).cents)
    expect("nothing of it", student.operator.mul(purse, 0).cents)
    expect("summed", student.builtins.sum([purse, coin, coin], student.Money(0)).cents)
    expect("the same as before", [purse.cents, coin.cents])
    with pytest.raises(TypeError):
        student.operator.add(purse, 5)
    with pytest.raises(TypeError):
        student.operator.mul(purse, 1.5)


def test_money_order(student, expect, rng):
    """Amounts are equal or less than others; money never equals a number."""
    low, high = sorted(int(cents) for cents in rng.choice(10_000, 2, replace=False))
    little, much = student.Money(low), student.Money(high)
    expect("equal", student.operator.eq(little, student.Money(low)))
    expect("unequal", student.operator.eq(little, much))
    expect("a number", student.operator.eq(little, low))
    expect("less", [student.operator.lt(little, much), student.operator.lt(much, little)])
    expect("no less than itself", student.operator.lt(little, student.Money(low)))
    expect("at least", student.operator.ge(little, student.Money(low)))
    expect("sorted", [money.cents.fetch() for money in student.builtins.sorted([much, little])])
    with pytest.raises(TypeError):
        student.operator.lt(little, high)
