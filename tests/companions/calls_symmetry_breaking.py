"""The public calls for Tian's theorems, with arguments that work; see `tests/bad_inputs.py`."""

from functools import cache

import numpy as np
import torch

from src.companions import one_node, sector, symmetry_breaking, symmetry_noise
from src.theory import spurious_minima
from tests.bad_inputs import Call


def draws():
    return torch.Generator().manual_seed(0)


def noise(*shape):
    return 0.01 * torch.randn(*shape, generator=draws(), dtype=torch.float64)


@cache
def stuck():
    """The spurious minimum of seven nodes."""
    return spurious_minima.minimum(7)


NUMBER = {"zero", "negative"}
SEEDS, SMALLER = {"first zero"}, {"smaller"}
CALLS = [
    Call(one_node.formula, lambda: {"K": 3, "draws": 2, "samples": 100, "generator": draws()}),
    Call(one_node.radius, lambda: {"d": 3, "epsilon": 0.1}),
    Call(one_node.draw, lambda: {"d": 3, "epsilon": 0.1, "count": 5, "generator": draws()}),
    Call(one_node.velocity, lambda: {"length": np.array([0.1, 0.2]), "angle": np.array([0.3, 0.4])}),
    Call(
        one_node.flow,
        lambda: {"length": np.array([0.1, 0.2]), "angle": np.array([0.3, 0.4]), "sigma": 2.0},
    ),
    Call(one_node.distance, lambda: {"length": np.array([0.1, 0.2]), "angle": np.array([0.3, 0.4])}),
    Call(one_node.starts, lambda: {"dims": [3], "epsilons": [0.1], "count": 5, "generator": draws()}),
    Call(sector.sector, lambda: {"cells": 20}),
    Call(
        sector.turning,
        lambda: {"k": sector.Interval(np.float64(0.5), np.float64(0.5)), "place": sector.Interval(0.5, 0.5)},
    ),
    Call(symmetry_breaking.weights, lambda: {"K": 3, "x": 0.5, "y": 0.2}, {"x": NUMBER, "y": NUMBER}),
    Call(symmetry_breaking.loss, lambda: {"K": 3, "x": 0.5, "y": 0.2}, {"x": NUMBER, "y": NUMBER}),
    Call(symmetry_breaking.velocity, lambda: {"K": 3, "x": 0.5, "y": 0.2}, {"x": NUMBER, "y": NUMBER}),
    Call(
        symmetry_breaking.descend,
        lambda: {"K": 3, "x": 0.5, "y": 0.2, "step": 0.01, "steps": 3},
        {"x": NUMBER, "y": NUMBER},
    ),
    Call(symmetry_breaking.saddle, lambda: {"K": 3}),
    Call(symmetry_breaking.escape_rate, lambda: {"K": 3}),
    Call(symmetry_breaking.spectrum_at_saddle, lambda: {"K": 3}),
    Call(symmetry_breaking.rates_at_teacher, lambda: {"K": 3}),
    Call(symmetry_breaking.symmetric, lambda: {"nodes": [3]}),
    Call(symmetry_breaking.escape_times, lambda: {"K": 10, "gaps": [0.05]}),
    Call(
        symmetry_noise.weights,
        lambda: {"K": 3, "start": symmetry_noise.Start(1.0, 0.01), "seeds": [1, 2]},
        {"seeds": SEEDS},
    ),
    Call(symmetry_noise.descend, lambda: {"W": noise(2, 3, 3)}, {"W": SMALLER}),
    Call(symmetry_noise.counts, lambda: {"nodes": [2], "seeds": [1]}, {"seeds": SEEDS}),
    Call(symmetry_noise.rest, lambda: {"W": stuck()}, {"W": SMALLER}),
    Call(symmetry_noise.conjecture, lambda: {"ends": torch.stack([stuck(), noise(7, 7)])}, {"ends": SMALLER}),
]
EXEMPT = {"companions.symmetry_breaking.figure": "it takes no argument"}
