import re
from collections import Counter, defaultdict
from pathlib import Path


class SoldOut(ValueError):
    def __init__(self, name, left):
        super().__init__(name, left)
        self.left = left


def read_prices(path):
    prices = {}
    for number, line in enumerate(Path(path).read_text().split("\n")):
        if line.strip() and not line.lstrip().startswith("#"):
            found = re.fullmatch(r"\s*(.*?)\s*:\s*(\d+)\s*", line)
            if found is None:
                raise ValueError(number + 1)
            prices.update({found[1]: int(found[2])})
    return prices


def receive(stock, delivery):
    stock.update((Counter(stock) + Counter(delivery)).items())


def take(stock, name, amount):
    left = stock[name] - amount
    if left < 0:
        raise SoldOut(name, stock[name])
    if left:
        stock[name] = left
    else:
        stock.pop(name)


def by_customer(sales):
    bought = defaultdict(set)
    for sale in sales:
        bought[sale[0]] |= {sale[1]}
    return bought


def best_sellers(sales, n):
    ordered = sorted(Counter(sorted(name for _, name in sales)).items())
    ordered.sort(key=lambda pair: pair[1], reverse=True)
    return [list(pair) for pair in ordered[:n]]
