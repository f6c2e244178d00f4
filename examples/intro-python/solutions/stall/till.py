"""The till: asking with input() and printing."""

from .money import Money
from .stock import SoldOut, take


def ask_amount():
    """Ask `How many? ` with input() until the answer is a whole number above 0, with any spaces around it, and return it.

    After each other answer, print `A whole number above 0, please.`
    """
    ### BEGIN SOLUTION Task 3.1: ask_amount
    while True:
        answer = input("How many? ").strip()
        if answer.isdigit() and int(answer) > 0:
            return int(answer)
        print("A whole number above 0, please.")
    ### END SOLUTION


def print_receipt(lines):
    """Print a line for each (name, amount, price) of a list, then the total. Prices are Money, for one piece.

    A line is `3 x pears 1.35`: how many, the name and the price of them all. The last line is `Total 7.55`. Nothing at
    all is printed for an empty list.
    """
    ### BEGIN SOLUTION Task 3.2: print_receipt
    if not lines:
        return
    total = Money(0)
    for name, amount, price in lines:
        print(f"{amount} x {name} {price * amount}")
        total = total + price * amount
    print(f"Total {total}")
    ### END SOLUTION


def serve(stock, prices):
    """Serve a customer: ask, take out of the stock, and print the receipt at the end.

    Ask `What? ` with input() until the answer is an empty line. For a name that is not in stock print
    `There is no NAME.`, else ask for the amount; if there are too few, print `Sorry, only 2 left.` with their number.
    `prices` is a dict from names to cents.
    """
    ### BEGIN SOLUTION Task 3.3: serve
    lines = []
    while name := input("What? "):
        if name not in stock:
            print(f"There is no {name}.")
            continue
        wanted = ask_amount()
        try:
            take(stock, name, wanted)
        except SoldOut:
            print(f"Sorry, only {stock[name]} left.")
        else:
            lines.append((name, wanted, Money(prices[name])))
    print_receipt(lines)
    ### END SOLUTION
