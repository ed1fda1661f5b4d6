"""The public calls of `src.dynamics`, with arguments that work; see `tests/bad_inputs.py`."""

import numpy as np
import torch

from src.dynamics import flow, history, linearised, noisy_path, portrait, second_moments, sgd, three_variables
from src.model import population
from tests.bad_inputs import Call


def _draw(*shape, seed=0):
    return 0.1 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _pair():
    return {"W": _draw(2, 4, 4), "W_star": _draw(4, 4, seed=1)}


def _with_gradient():
    loss, gradient = population.loss_and_gradient(**_pair())
    return _pair() | {"loss": loss, "gradient": gradient}


def _train():
    return {
        "W0": _draw(2, 4, 4), "W_star": _draw(4, 4, seed=1), "eta": [0.01, 0.02], "batch": 4, "steps": 3,
        "seeds": [3, 4], "samples": _draw(12, 4), "record_at": [1, 2], "evaluate": {"test": _draw(6, 4)},
        "checkpoint": None, "allow_unstable": False, "progress": False,
    }  # fmt: skip


def _train_once():
    return {"W0": _draw(4, 4), "W_star": _draw(4, 4, seed=1), "eta": 0.01, "batch": 4, "steps": 3, "seeds": 3}


POINT, TEACHER = (0.1, 0.2, 0.05), [0.0, 0.1, 0.02]
ZERO_ENTRY = {"first zero", "first negative"}
ANY_DIMENSION = {"d": {"fraction"}}  # of a formula
OF_A_POINT = {"W": ZERO_ENTRY, "W_star": ZERO_ENTRY}
FLOW = {"W": POINT, "d": 7, "t": [0.1, 0.2], "W_star": TEACHER, "rtol": 1e-6}
CALLS = [
    Call(
        flow.integrate,
        lambda: {"W0": _draw(2, 4, 4), "W_star": _draw(4, 4, seed=1), "t_end": 0.1, "rtol": 0.01, "progress": False},
    ),
    Call(history.measure, _pair, {"W": {"empty"}}),
    Call(history.curves_at, _with_gradient),
    Call(linearised.operator, lambda: {"W": _draw(2, 4, 4)}, {"W": {"empty", "smaller"}}),
    Call(linearised.families, lambda: {"d": 5}),
    Call(linearised.energies, lambda: {"W": _draw(2, 4, 4)}, {"W": {"empty", "smaller"}}),
    Call(
        linearised.energies_along_the_flow,
        lambda: {"W0": _draw(4, 4), "t": np.array([0.0, 0.1]), "rtol": 0.01},
        {"W0": {"smaller"}},
    ),
    Call(linearised.numerical_rates, lambda: {"d": 3}),
    Call(linearised.sgd_decay, lambda: {"eta": 0.01, "batch": 4, "d": 5}),
    Call(linearised.largest_stable_step, lambda: {"batch": 4, "d": 5}),
    Call(
        noisy_path.law,
        lambda: {"W": (0.01, 0.05, 0.0), "d": 11, "eta": 0.001, "batch": 4, "t": [0.1, 0.2]},
        {"W": ZERO_ENTRY, "t": {"first zero"}},
    ),
    Call(second_moments.maps, lambda: {"d": 5}),
    Call(second_moments.total, lambda: {"d": 5}),
    *(
        Call(function, lambda: {"eta": 0.001, "batch": 4, "d": 5, "chi": 1.2})
        for function in (second_moments.step_matrix, second_moments.growth, second_moments.decay)
    ),
    *(
        Call(function, lambda: {"batch": 4, "d": 5, "chi": 1.2})
        for function in (second_moments.largest_stable_step, second_moments.fastest_step)
    ),
    Call(
        second_moments.mean_square,
        lambda: {"W0": _draw(5, 5), "eta": 0.001, "batch": 4, "steps": 3, "chi": 1.2},
        {"W0": {"smaller"}, "steps": {"zero"}},
    ),
    Call(
        portrait.at,
        lambda: {"d": 7, "trace": 0.5, "skew": 0.2},
        {"trace": {"zero", "negative"}, "skew": {"zero", "negative"}},
    ),
    Call(portrait.plane, lambda: {"W": POINT, "d": 7}, {"W": ZERO_ENTRY}),
    Call(
        portrait.portrait, lambda: {"d": 7, "traces": np.array([-0.5, 0.5]), "skews": [0.1, 0.2]}, {"skews": ZERO_ENTRY}
    ),
    Call(
        portrait.paths,
        lambda: {"d": 7, "starts": [(0.5, 0.2)], "t": [0.1, 0.2], "rtol": 1e-6},
        {"t": {"first zero"}, "starts": {"first first zero", "first first negative"}},
    ),
    Call(
        sgd.train,
        _train,
        {"samples": {"None"}, "record_at": {"None", "first zero"}, "evaluate": {"None"}, "seeds": {"first zero"}},
    ),
    Call(sgd.train, _train_once, {"seeds": {"zero", "list"}, "eta": {"list"}}),
    Call(three_variables.start, lambda: {"d": 7, "frobenius": 1.0, "trace": -0.5}, {"trace": {"zero", "negative"}}),
    Call(three_variables.matrix, lambda: {"W": POINT, "d": 7}, {"W": ZERO_ENTRY}),
    Call(three_variables.spectral_norm, lambda: {"W": POINT}, {"W": ZERO_ENTRY}),
    Call(
        three_variables.inner,
        lambda: {"X": POINT, "Y": TEACHER, "d": 7},
        {"X": ZERO_ENTRY, "Y": ZERO_ENTRY, "d": {"fraction"}},
    ),
    Call(three_variables.trace, lambda: {"W": POINT, "d": 7}, {"W": ZERO_ENTRY, "d": {"fraction"}}),
    Call(three_variables.column_length, lambda: {"W": POINT, "d": 7}, {"W": ZERO_ENTRY, "d": {"fraction"}}),
    Call(three_variables.potential, lambda: {"W": POINT, "d": 7, "W_star": TEACHER}, OF_A_POINT | ANY_DIMENSION),
    Call(three_variables.gradient, lambda: {"W": POINT, "d": 7, "W_star": TEACHER}, OF_A_POINT | ANY_DIMENSION),
    Call(three_variables.loss, lambda: {"W": POINT, "d": 7, "W_star": TEACHER}, OF_A_POINT | ANY_DIMENSION),
    Call(three_variables.curves, lambda: {"W": POINT, "d": 7, "W_star": TEACHER}, OF_A_POINT | ANY_DIMENSION),
    Call(three_variables.trajectory, lambda: dict(FLOW), OF_A_POINT | {"t": {"first zero"}}),
    Call(three_variables.integrate, lambda: dict(FLOW), OF_A_POINT | {"t": {"first zero"}}),
]
EXEMPT = {
    "dynamics.second_moments.of_inputs": "has no arguments",
    "dynamics.second_moments.transposition": "has no arguments",
    "dynamics.minibatch.output": "a step of `sgd.train`, which checks what it hands on",
}
