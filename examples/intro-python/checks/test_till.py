"""Checks of the till: what it asks and prints."""

import pytest


@pytest.mark.parametrize("answers", ["{}\n", "many\n0\n-3\n1.5\n\n {} \n"], ids=["at once", "at last"])
def test_ask_amount(student, expect, rng, answers):
    """Asks until the answer is a whole number above 0."""
    expect("amount", student.ask_amount(stdin=answers.format(rng.integers(1, 30))))
    expect.printed()


@pytest.mark.parametrize("n", [1, 4])
def test_print_receipt(student, expect, rng, n):
    """A line for each purchase, and the total; of nothing, nothing is printed."""
    names = ["pears", "honey", "rye bread", "eggs"][:n]
    lines = [(name, int(rng.integers(1, 9)), student.Money(int(rng.integers(5, 900)))) for name in names]
    student.print_receipt([])
    expect("returned", student.print_receipt(lines))
    expect.printed()


CUSTOMERS = {
    "buys two": "pears\n2\nhoney\n1\n\n",
    "wants what there isn't": "figs\npears\n50\nPears\npears\n3\n\n",
    "buys it all": "honey\n4\nhoney\n\n",
    "buys nothing": "\n",
}


@pytest.mark.parametrize("customer", CUSTOMERS.values(), ids=CUSTOMERS.keys())
def test_serve(student, expect, rng, customer):
    """Serves a customer from the first question to the receipt."""
    stock = {"pears": int(rng.integers(5, 40)), "honey": 4}
    student.serve(stock, {"pears": int(rng.integers(10, 90)), "honey": 620, "figs": 15}, stdin=customer)
    expect.printed()
    expect("stock", student.after(stock))
