"""What several of the modules need."""


def tell(*words):
    print(*words)


class Line:
    def __init__(self, name, amount, price):
        self.name, self.amount, self.price = name, amount, price

    def __iter__(self):
        return iter((self.name, self.amount, self.price))
