def forward(x, w):
    value = []
    for _ in range(100000):
        value = [value]
    return value, None
