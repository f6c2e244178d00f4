"""``python -m benchmarks.reference``: the reference's layers against PyTorch's, forward and
backward, on one thread.

Both are given the same numbers and must give the same hidden states and gradients before they are
timed. A repetition times the two one right after the other, and the ratio is formed within it, so
that what else the machine does cancels; the time is CPU time, which waiting for a core does not
lengthen.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.contest import THREADS
from benchmarks.run import machine, spread, words

SOLUTIONS = Path(__file__).parent.parent / "solutions"


class Size(NamedTuple):
    """What is computed: batch, time steps, inputs and hidden units."""

    N: int
    T: int
    D: int
    H: int


SIZES = {
    "the notebooks' training": Size(25, 16, 64, 128),
    "1,000 time steps": Size(25, 1000, 64, 128),
}
GATES = {"rnn": 1, "lstm": 4}


class Pair(NamedTuple):
    """The two sides of a comparison, each one step of training: forward and backward."""

    ours: Callable[[], dict[str, np.ndarray]]
    torchs: Callable[[], dict[str, np.ndarray]]


def main() -> int:
    """Compare, print a table, and write the numbers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reference", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--repetitions", type=int, default=15, help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too")
    options = parser.parse_args()
    # read when NumPy is loaded, so before this program began
    if any(os.environ.get(name) != "1" for name in THREADS):
        again = [sys.executable, "-m", "benchmarks.reference", *sys.argv[1:]]
        return subprocess.run(again, env={**os.environ, **dict.fromkeys(THREADS, "1")}).returncode
    console = Console(width=110)
    try:
        import torch
    except ImportError:
        console.print(
            "PyTorch is not installed, so the reference has nothing to be compared with: pip install torch"
        )
        return 1
    torch.set_num_threads(1)
    layers = reference_layers()
    told: dict[str, Any] = {"machine": machine(), "torch": torch.__version__, "ratios": {}}
    made = Table(
        title=f"the reference, forward and backward, beside PyTorch {torch.__version__}, one thread, float32"
    )
    for heading in ("cell", "size", "ours, ms", "PyTorch, ms", "ours is"):
        made.add_column(heading, justify="left" if heading in ("cell", "size") else "right")
    for cell in GATES:
        for title, size in SIZES.items():
            pair = make(cell, size, layers, torch)
            ours, torchs = zip(*repeated(pair, options.repetitions), strict=True)
            ratio = spread(one / other for one, other in zip(ours, torchs, strict=True))
            told["ratios"][f"{cell}, {title}"] = ratio
            milliseconds = (words(spread(1000 * one for one in side), 1) for side in (ours, torchs))
            sizes = ", ".join(f"{axis}={length}" for axis, length in size._asdict().items())
            made.add_row(cell, f"{title}: {sizes}", *milliseconds, words(ratio, 2, "×"))
    console.print(made)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


def reference_layers() -> Any:
    """Import the reference's layers from where they stand."""
    spec = importlib.util.spec_from_file_location(
        "reference_layers", SOLUTIONS / "cs231n" / "rnn_layers.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference_layers"] = module
    spec.loader.exec_module(module)
    return module


def make(cell: str, size: Size, layers: Any, torch: Any) -> Pair:
    """Return both sides for one cell and size, with the same weights and inputs."""
    N, T, D, H = size
    rng = np.random.default_rng(2016)
    width = GATES[cell] * H
    shapes = {"x": (N, T, D), "h0": (N, H), "Wx": (D, width), "Wh": (H, width), "b": (width,)}
    scale = {"Wx": D**-0.5, "Wh": 0.5 * H**-0.5}
    values = {
        name: (scale.get(name, 1.0) * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
    upstream = rng.standard_normal((N, T, H)).astype(np.float32)
    forward, backward = getattr(layers, f"{cell}_forward"), getattr(layers, f"{cell}_backward")

    def ours() -> dict[str, np.ndarray]:
        h, cache = forward(*values.values())
        dx, dh0, dWx, dWh, db = backward(upstream, cache)
        return {"h": h, "dx": dx, "dh0": dh0, "dWx": dWx, "dWh": dWh, "db": db}

    # The reference's gates stand in the order i, f, o, g, PyTorch's in the order i, f, g, o.
    order = np.concatenate(
        [np.arange(H) + H * gate for gate in ((0, 1, 3, 2) if cell == "lstm" else (0,))]
    )
    module = (torch.nn.LSTM if cell == "lstm" else torch.nn.RNN)(D, H, batch_first=True)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(values["Wx"][:, order].T.copy()))
        module.weight_hh_l0.copy_(torch.from_numpy(values["Wh"][:, order].T.copy()))
        module.bias_ih_l0.copy_(torch.from_numpy(values["b"][order]))
        module.bias_hh_l0.zero_()
    x = torch.from_numpy(values["x"]).requires_grad_()
    h0 = torch.from_numpy(values["h0"][None]).requires_grad_()
    start = (h0, torch.zeros_like(h0)) if cell == "lstm" else h0
    parameters = [x, h0, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0]
    incoming = torch.from_numpy(upstream)

    def torchs() -> dict[str, np.ndarray]:
        h, _ = module(x, start)
        dx, dh0, dWx, dWh, db = torch.autograd.grad(h, parameters, incoming)
        grads = {"dx": dx, "dh0": dh0[0], "dWx": dWx.T, "dWh": dWh.T, "db": db}
        return {"h": h.detach().numpy()} | {name: value.numpy() for name, value in grads.items()}

    back = np.argsort(order)
    same = {
        name: value[..., back] if name in ("dWx", "dWh", "db") else value
        for name, value in torchs().items()
    }
    agree(ours(), same, f"{cell}, {size}")
    return Pair(ours, torchs)


def agree(mine: dict[str, np.ndarray], its: dict[str, np.ndarray], what: str) -> None:
    """Raise where the two sides do not compute the same."""
    for name, value in mine.items():
        scale = max(1.0, float(np.abs(its[name]).max()))
        if not np.allclose(value, its[name], rtol=1e-3, atol=1e-4 * scale):
            raise RuntimeError(f"{what}: the reference and PyTorch do not give the same {name}")


def repeated(pair: Pair, repetitions: int) -> Iterator[tuple[float, float]]:
    """Yield the seconds of both sides, timed one right after the other, the first of which changes
    each time.
    """
    for number in range(repetitions):
        seconds = {}
        for side in (pair, pair[::-1])[number % 2]:
            start = time.process_time()
            side()
            seconds[side] = time.process_time() - start
        yield seconds[pair.ours], seconds[pair.torchs]


if __name__ == "__main__":
    raise SystemExit(main())
