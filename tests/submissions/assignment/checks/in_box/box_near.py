assert abs(triple(0.5) - 1.5) < 1e-9
