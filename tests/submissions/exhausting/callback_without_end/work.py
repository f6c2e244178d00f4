def root(f, x):
    while True:
        f(x)


def squared(x):
    return x * x
