def root(f, x):
    global kept
    kept = f
    for _ in range(30):
        x = x - f(x) * 2e-3 / (f(x + 1e-3) - f(x - 1e-3))
    return x


def squared(x):
    return x * x


def gathered():
    return kept(1.0), kept(2.0)
