"""The shapes in the signatures of `model` and `dynamics` are those of what goes in and comes out.

Each public call is wrapped so that jaxtyping checks every argument and result against its annotation.
"""

import inspect
import typing

import pytest
import torch
from beartype import beartype
from jaxtyping import TypeCheckError, jaxtyped

from src.dynamics import flow, history, sgd
from src.model import correlated, landscape, population, weights

GENERATOR = torch.Generator().manual_seed(0)


def draw(*shape):
    return 0.1 * torch.randn(*shape, dtype=torch.float64, generator=GENERATOR)


def checked(function):
    return jaxtyped(typechecker=beartype)(function)


PAIRS = [(draw(5, 5), draw(5, 5)), (draw(2, 1, 4, 4), draw(3, 4, 4)), (draw(3, 3).float(), draw(3, 3).float())]
OF_A_PAIR = [
    population.loss,
    population.gradient,
    population.loss_and_gradient,
    population.lemma_2_1,
    landscape.potential,
    landscape.potentials_of_others,
    landscape.outer_difference,
    landscape.way_along_ones,
    landscape.inner_product,
    landscape.one_point_ratio,
    landscape.gradient_parts,
    landscape.inner_product_parts,
    history.measure,
]
OTHERS = [
    (population.hessian_product, lambda: (draw(2, 4, 4), draw(4, 4), draw(3, 1, 4, 4)), {}),
    (correlated.loss, lambda: (draw(2, 4, 4), draw(4, 4), torch.eye(4, dtype=torch.float64)), {}),
    (correlated.gradient, lambda: (draw(2, 4, 4), draw(4, 4), torch.eye(4, dtype=torch.float64)), {}),
    (correlated.standardised, lambda: (draw(2, 4, 4), draw(4, 4), torch.eye(4, dtype=torch.float64)), {}),
    (weights.with_norms, lambda: (5, 0.5, 0.8, torch.Generator().manual_seed(0)), {}),
    (weights.gaussian, lambda: ((2, 4, 4), 0.3, torch.Generator().manual_seed(0)), {}),
    (weights.wrong_way_start, lambda: (7, 1.0, -0.5), {}),
    (weights.flat_skew, lambda: (7,), {}),
    (weights.has_paley, lambda: (7,), {}),
    (history.curves_at, lambda: (draw(2, 3, 3), draw(2, 3, 3), draw(2), draw(2, 3, 3)), {}),
    (flow.integrate, lambda: (draw(2, 4, 4), draw(4, 4), 0.1), {}),
    (sgd.train, lambda: (draw(4, 4), draw(4, 4)), {"eta": 1e-3, "batch": 8, "steps": 3, "seeds": [0, 1]}),
    (sgd.train, lambda: (draw(4, 4), draw(4, 4)), {"eta": 1e-3, "batch": 8, "steps": 3, "seeds": 0}),
]


@pytest.mark.parametrize("function", OF_A_PAIR, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_functions_of_a_pair(function):
    for pair in PAIRS:
        checked(function)(*pair)


@pytest.mark.parametrize(("function", "arguments", "options"), OTHERS, ids=lambda f: getattr(f, "__name__", ""))
def test_other_functions(function, arguments, options):
    checked(function)(*arguments(), **options)


def test_a_wrong_shape_would_be_seen():
    with pytest.raises(TypeCheckError):
        checked(population.loss)(draw(4, 4), draw(5, 5))
    with pytest.raises(TypeCheckError):
        checked(landscape.way_along_ones)(draw(4), draw(4))


@pytest.mark.parametrize("module", [population, landscape, correlated, weights, flow, history, sgd])
def test_every_public_call_says_its_shapes(module):
    wrapped = {function for function, *_ in OTHERS} | set(OF_A_PAIR)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_") and not name.isupper():
            hints = typing.get_type_hints(function)
            assert set(hints) == {*inspect.signature(function).parameters, "return"}, name
            assert function in wrapped, f"{name} is not called above"
