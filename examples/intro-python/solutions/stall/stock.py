"""The stock: dicts from the names of goods to how many of them there are; files and exceptions."""


class SoldOut(Exception):
    """Raised where more is asked for than there is."""


def read_prices(path):
    """Return a dict from each name in a file to its price in cents, an int.

    A line of the file is `name: price`, with any spaces around both; names may hold spaces. Empty lines and lines that
    begin with # don't count. Raise a ValueError that names the line, counted from 1, if a line has no colon or its
    price is no whole number.
    """
    ### BEGIN SOLUTION Task 2.1: read_prices
    prices = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            name, _, price = line.partition(":")
            if not price.strip().isdigit():
                raise ValueError(f"line {number} is not `name: price`: {line}")
            prices[name.strip()] = int(price)
    return prices
    ### END SOLUTION


def receive(stock, delivery):
    """Add a delivery, a dict like the stock, to the stock itself; the delivery stays as it is. Return nothing."""
    ### BEGIN SOLUTION Task 2.2: receive
    for name, amount in delivery.items():
        stock[name] = stock.get(name, 0) + amount
    ### END SOLUTION


def take(stock, name, amount):
    """Take so many of a name out of the stock itself; a name of which none is left is deleted. Return nothing.

    Raise a KeyError for a name that isn't in stock, and SoldOut if there are fewer than `amount`: the stock then stays
    as it was.
    """
    ### BEGIN SOLUTION Task 2.3: take
    if stock[name] < amount:
        raise SoldOut(f"only {stock[name]} of {name} are left")
    stock[name] -= amount
    if stock[name] == 0:
        del stock[name]
    ### END SOLUTION


def by_customer(sales):
    """Return a dict from each customer to the set of names they bought; sales are tuples (customer, name)."""
    ### BEGIN SOLUTION Task 2.4: by_customer
    bought = {}
    for customer, name in sales:
        bought.setdefault(customer, set()).add(name)
    return bought
    ### END SOLUTION


def best_sellers(sales, n):
    """Return the n names that were sold most often, as a list of tuples (name, times), the most frequent first.

    Names that were sold equally often stand in alphabetical order. There may be fewer than n.
    """
    ### BEGIN SOLUTION Task 2.5: best_sellers
    times = {}
    for _, name in sales:
        times[name] = times.get(name, 0) + 1
    return sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))[:n]
    ### END SOLUTION
