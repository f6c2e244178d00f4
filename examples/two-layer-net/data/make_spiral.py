"""Makes spiral.csv: points on three arms of a spiral, with a little noise; a line is x y arm."""

from pathlib import Path

import numpy as np

ARMS, POINTS = 3, 150


def spiral(rng, points):
    """Return points (ARMS * points, 2) and their arms (ARMS * points,)."""
    arm = np.repeat(np.arange(ARMS), points)
    radius = rng.uniform(0.05, 1.0, arm.size)
    angle = 4 * radius + 2 * np.pi * arm / ARMS + 0.12 * rng.standard_normal(arm.size)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), arm


if __name__ == "__main__":
    points, arm = spiral(np.random.default_rng(2016), POINTS)
    np.savetxt(Path(__file__).with_name("spiral.csv"), np.column_stack([points, arm]), fmt=["%.5f", "%.5f", "%d"])
