def forward(x, w):
    raise ValueError("x" * 100_000_000)
