def forward(x, w):
    error = None
    for number in range(100000):
        new = ValueError(number)
        new.__cause__ = new.__context__ = error
        error = new
    raise error
