"""Checks of the stock: dicts, files and exceptions."""

import pytest

GOODS = ["pears", "honey", "rye bread", "eggs", "goat cheese", "plums"]


def some_stock(rng):
    """Every good, with some of it, in some order."""
    return {str(name): int(amount) for name, amount in zip(rng.permutation(GOODS), rng.integers(2, 50, len(GOODS)), strict=True)}


def some_sales(rng, n):
    """Customers and what they bought, in the order of the sales."""
    customers, goods = rng.choice(["Ada", "Ben", "Cy", "Dot"], n), rng.choice(GOODS, n)
    return [(str(customer), str(name)) for customer, name in zip(customers, goods, strict=True)]


def test_read_prices(student, expect, rng):
    """The prices of a file, remarks and empty lines left out."""
    prices = [f"{name}: {price}" for name, price in some_stock(rng).items()]
    student.files["prices.txt"] = "\n".join(["# today: 3 offers", *prices[:3], "", "   ", *prices[3:]]) + "\n"
    student.files["spaces.txt"] = "  figs :  12 \n# none\ndates:7"
    student.files["empty.txt"] = ""
    expect("prices", student.read_prices("prices.txt"))
    expect("spaces", student.read_prices("spaces.txt"))
    expect("nothing", student.read_prices("empty.txt"))


@pytest.mark.parametrize("line", ["figs 12", "figs: cheap", "figs: 1.5"], ids=["no colon", "no number", "no whole number"])
def test_read_prices_refuses(student, expect, rng, line):
    """A line that is not as it should be is a ValueError that names its number."""
    number = int(rng.integers(3, 9))
    student.files["prices.txt"] = "# prices\n" + "pears: 3\n" * (number - 2) + line + "\n"
    with pytest.raises(ValueError, match=".") as caught:
        student.read_prices("prices.txt")
    expect.that("the line's number", str(number) in str(caught.value), "the message of the ValueError should name the line")


def test_receive(student, expect, rng):
    """A delivery is added to the stock itself."""
    stock = some_stock(rng)
    delivery = dict.fromkeys(list(stock)[:2], 3) | {"figs": 12}
    expect("returned", student.receive(stock, delivery))
    expect("stock", stock)
    expect.that("delivery", student.after(delivery) == delivery, "`receive` should leave the delivery as it is")


def test_take(student, expect, rng):
    """Goods are taken out of the stock itself; what can't be taken is refused, and changes nothing."""
    stock = some_stock(rng)
    first, second, *_ = stock
    student.take(stock, first, stock[first] - 1)
    expect("some taken", stock)
    emptied = some_stock(rng)
    student.take(emptied, second, emptied[second])
    expect("all taken", emptied)
    untouched = some_stock(rng)
    expect.raises("SoldOut", student.take, untouched, first, 100)
    expect.raises(KeyError, student.take, untouched, "figs", 1)
    expect.that("nothing taken", student.after(untouched) == untouched, "`take` should change nothing if it raises")


@pytest.mark.parametrize("n", [1, 15])
def test_by_customer(student, expect, rng, n):
    """What each customer bought, as sets."""
    expect("bought", student.by_customer(some_sales(rng, n)))


@pytest.mark.parametrize("n", [1, 3, 10])
def test_best_sellers(student, expect, rng, n):
    """The goods that were sold most often; of equal ones the first in the alphabet first."""
    expect("best sellers", student.best_sellers(some_sales(rng, 20), n))
    expect("draw", student.best_sellers([("Ada", "plums"), ("Ben", "eggs"), ("Ada", "pears")], n))
