SoldOut = type("SoldOut", (RuntimeError,), {})


def read_prices(path):
    with open(path) as file:
        lines = [(i, l.strip()) for i, l in enumerate(file, 1) if l.strip()[:1] not in ("", "#")]
    try:
        return {(parts := l.split(":"))[0].rstrip(): int(parts[1]) for i, l in lines}
    except (IndexError, ValueError) as error:
        raise ValueError(f"look at line {i_of(lines)}") from error


def i_of(lines):
    for i, l in lines:
        name, _, price = l.partition(":")
        try:
            int(price)
        except ValueError:
            return i


def receive(stock, delivery):
    return stock.update({k: v + stock.get(k, 0) for k, v in delivery.items()})


def take(stock, name, amount):
    if amount > stock[name]:
        raise SoldOut
    stock.update({name: stock[name] - amount})
    [stock.pop(k) for k in list(stock) if stock[k] == 0]


def by_customer(sales):
    return {c: frozenset(n for d, n in sales if d == c) for c, _ in sales}


def best_sellers(sales, n):
    names = [name for _, name in sales]
    return tuple(sorted({(m, names.count(m)) for m in names}, key=lambda p: (0 - p[1], p)))[:n]
