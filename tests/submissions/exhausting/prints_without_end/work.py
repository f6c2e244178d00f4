def forward(x, w):
    while True:
        print("pass" * 100)
