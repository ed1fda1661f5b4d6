"""The public calls of `src.model`, with arguments that work; see `tests/bad_inputs.py`."""

import torch

from src.model import correlated, landscape, population, weights
from tests.bad_inputs import Call


def _draw(*shape, seed=0):
    return 0.1 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _pair():
    return {"W": _draw(2, 4, 4), "W_star": _draw(4, 4, seed=1)}


def _generator():
    return torch.Generator().manual_seed(0)


NO_RUNS = {"W": {"empty"}}  # an empty batch is one
OF_A_PAIR = [
    population.loss,
    population.gradient,
    population.loss_and_gradient,
    population.lemma_2_1,
    landscape.potential,
    landscape.potentials_of_others,
    landscape.way_along_ones,
    landscape.inner_product,
    landscape.one_point_ratio,
    landscape.gradient_parts,
    landscape.inner_product_parts,
]
CALLS = [Call(function, _pair, NO_RUNS) for function in OF_A_PAIR]
CALLS += [
    Call(population.hessian_product, lambda: _pair() | {"V": _draw(4, 4, seed=2)}, NO_RUNS),
    Call(landscape.outer_difference, lambda: _pair() | {"without": 1}, NO_RUNS | {"without": {"None", "zero"}}),
]
CALLS += [
    Call(function, lambda: _pair() | {"Sigma": torch.eye(4, dtype=torch.float64) + 0.5}, NO_RUNS)
    for function in (correlated.loss, correlated.gradient, correlated.standardised)
]
CALLS += [
    Call(weights.with_norms, lambda: {"d": 5, "spectral": 0.5, "frobenius": 0.8, "generator": _generator()}),
    Call(
        weights.gaussian,
        lambda: {"shape": (2, 4, 4), "spectral": 0.5, "generator": _generator()},
        {"shape": {"first zero"}},  # no matrices
    ),
    Call(
        weights.wrong_way_start,
        lambda: {"d": 7, "frobenius": 1.0, "trace": -0.5, "generator": _generator()},
        {"trace": {"zero", "negative"}, "generator": {"None"}},
    ),
    Call(weights.flat_skew, lambda: {"d": 7, "generator": _generator()}, {"generator": {"None"}}),
    Call(weights.has_paley, lambda: {"d": 7}),
]
EXEMPT = {}  # name of a public function that takes no argument worth spoiling: why
