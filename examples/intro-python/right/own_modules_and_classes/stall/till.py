from . import money, stock
from .own_helpers import Line, tell


def ask_amount():
    while True:
        try:
            amount = int(input("How many? "))
            if amount <= 0:
                raise ValueError
            return amount
        except ValueError:
            tell("A whole number above 0, please.")


def print_receipt(lines):
    cents = 0
    for name, amount, price in lines:
        tell(amount, "x", name, money.Money(amount * price.cents))
        cents += amount * price.cents
    if lines:
        tell("Total", money.Money(cents))


def serve(goods, prices):
    lines = []
    while True:
        name = input("What? ")
        if name == "":
            break
        if goods.get(name) is None:
            tell("There is no", name + ".")
        else:
            amount = ask_amount()
            if goods[name] >= amount:
                stock.take(goods, name, amount)
                lines.append(Line(name, amount, money.Money(prices[name])))
            else:
                tell(f"Sorry, only {goods[name]} left.")
    print_receipt(lines)
