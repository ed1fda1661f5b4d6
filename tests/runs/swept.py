"""Functions that the tests sweep, in a module that worker processes can import."""

import math
import os
import signal
import time

import numpy as np
import torch

from src.model import landscape, weights


def square(x, seed, scale=1):
    """A point: what it returned, and, in the file `square.log`, that it ran."""
    if folder := os.environ.get("COUNTED"):
        with open(f"{folder}/square.log", "a") as log:
            log.write(f"{x} {seed}\n")
    if x < 0:
        raise ValueError("x is negative")
    return {"y": scale * x**2 + seed, "array": np.arange(2) * x, "tensor": torch.tensor([0.1, x]), "none": math.nan}


def deadly(x, folder):
    """Kills its own process the first time that x = 1 comes up."""
    mark = f"{folder}/died"
    if x == 1 and not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def process(x):
    return os.getpid()


def slow(x):
    time.sleep(0.01)
    return x**2


def set_of(x):
    return {x}


def exits(x):
    if x == 3:
        os._exit(1)
    return x


def ratio(gamma, seed, d=150):
    """Theorem 3.3's ratio at a random pair with spectral norms gamma: some milliseconds of the book's own work."""
    generator = torch.Generator().manual_seed(seed)
    W, W_star = (weights.with_norms(d, gamma, 0.5 * gamma * d**0.5, generator) for _ in range(2))
    return landscape.one_point_ratio(W, W_star).item()
