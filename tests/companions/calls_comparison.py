"""The public calls of the comparison; see `tests/bad_inputs.py`."""

import numpy as np
import torch

from src.companions import comparison, linear_comparison, wide_networks
from tests.bad_inputs import Call

SEEDS = {"seed": {"zero"}, "seeds": {"first zero"}}


def family():
    return wide_networks.family(2, 2, [4], [0], 20, 1.0, draws=2)


CALLS = [
    Call(comparison.arrival, lambda: {"errors": np.geomspace(1, 1e-8, 30), "floor": 1e-12}),
    Call(comparison.du, lambda: {"n": 2, "d": 2, "sizes": [4], "seeds": [0], "steps": 20}, SEEDS),
    Call(comparison.identity, lambda: {"sizes": [3], "norm": 0.5, "time": 50.0, "seed": 0}, SEEDS),
    Call(comparison.moved, lambda: {"begin": [torch.ones(2, 3)], "end": [torch.zeros(2, 3)]}),
    Call(comparison.movements, lambda: {"family": family(), "d": 2}),
    Call(comparison.tian, lambda: {"sizes": [2], "x": 0.4, "gap": 0.1, "steps": 20}),
    Call(comparison.zou, lambda: {"n": 2, "d": 2, "layers": 2, "sizes": [8], "target": 0.6, "seed": 0}, SEEDS),
    Call(linear_comparison.ahn, lambda: {"n": 5, "sizes": [2], "eta": 0.3, "steps": 20, "seed": 0}, SEEDS),
    Call(linear_comparison.hardt_ma, lambda: {"depth": 3, "sizes": [2], "steps": 20, "seed": 0}, SEEDS),
    Call(linear_comparison.kawaguchi, lambda: {"d": 2, "sizes": [2], "steps": 20, "seed": 0}, SEEDS),
    Call(linear_comparison.stretch, lambda: {"d": 2, "generator": torch.Generator().manual_seed(0)}),
]

EXEMPT = {}
