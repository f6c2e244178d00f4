def forward(x, w):
    return tuple(range(1000000))
