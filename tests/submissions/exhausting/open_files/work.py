def forward(x, w):
    kept = [open("/dev/null") for _ in range(100000)]
