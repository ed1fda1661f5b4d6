"""The public calls on linear attention; see `tests/bad_inputs.py`."""

import numpy as np
import torch

from src.companions import attention_landscape, changed_inputs, in_context_descent, linear_attention, wishart
from tests.bad_inputs import Call


def draws():
    return torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=draws(), dtype=torch.float64)


def covariance():
    return torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)


def rule():
    return changed_inputs.exact_rule(2, 5, 2)


def minimum():
    return changed_inputs.Minimum(0.1, np.array([0.5, 1.0]), np.array([0.4]))


def trained():
    return linear_attention.train_full(covariance(), 5, [0], 1, 2, 0.1, 2)


TRAINING = {"n": 5, "seeds": [0], "steps": 1, "batch": 2, "rate": 0.1, "fresh": 2}
SEEDS = {"seeds": {"first zero"}, "seed": {"zero"}}
SMALLER = {"Sigma": {"smaller"}}  # another covariance
STEPS = {"steps": {"first zero", "first negative"}, "changes": {"first zero", "first negative"}}

CALLS = [
    Call(attention_landscape.critical, lambda: {"Sigma": covariance(), "n": 5, "depth": 2, "plus": False}, SMALLER),
    Call(
        attention_landscape.family,
        lambda: {"Sigma": covariance(), "steps": [0.5, 1.0], "changes": [0.3]},
        SMALLER | STEPS,
    ),
    Call(
        attention_landscape.one_layer, lambda: {"Sigma": covariance(), "n": 5, "starts": 1, "seed": 0}, SMALLER | SEEDS
    ),
    Call(
        attention_landscape.one_layer_loss,
        lambda: {"P": normal(3, 3), "Q": normal(3, 3), "Sigma": covariance(), "n": 5},
    ),
    Call(attention_landscape.two_layers, lambda: {"d": 2, "n": 3, "starts": 1, "seed": 0}, SEEDS),
    Call(changed_inputs.batch_rule, lambda: {"d": 2, "n": 5, "count": 3, "generator": draws()}),
    Call(changed_inputs.check_changes, lambda: {"changes": [0.3], "steps": [0.5, 1.0]}, STEPS),
    Call(
        changed_inputs.distance,
        lambda: {"minima": [minimum()], "steps": [0.5, 1.0], "changes": [0.3]},
    ),
    Call(changed_inputs.exact_rule, lambda: {"d": 2, "n": 5, "depth": 2}),
    Call(changed_inputs.minima, lambda: {"rule": rule(), "depth": 2, "starts": 1, "seed": 0}, SEEDS),
    Call(changed_inputs.nearby, lambda: {"rule": rule(), "starts": [minimum()]}),
    Call(
        changed_inputs.residual,
        lambda: {"nodes": normal(3), "steps": [0.5, 1.0], "changes": [0.3]},
        {**STEPS, "changes": {*STEPS["changes"], "None"}, "nodes": {"list", "half", "integers"}},
    ),
    Call(in_context_descent.adapts, lambda: {"Sigma": covariance(), "n": 5}, SMALLER),
    Call(in_context_descent.best_multiple, lambda: {"Sigma": covariance(), "n": 5}, SMALLER),
    Call(in_context_descent.equal_step, lambda: {"d": 2, "n": 5, "depth": 2}),
    Call(in_context_descent.least_of_one, lambda: {"Sigma": covariance(), "n": 5}, SMALLER),
    Call(in_context_descent.loss, lambda: {"d": 2, "n": 5, "steps": [0.5, 1.0]}, STEPS),
    Call(in_context_descent.one_step_loss, lambda: {"A": covariance(), "Sigma": covariance(), "n": 5}),
    Call(in_context_descent.preconditioner, lambda: {"Sigma": covariance(), "n": 5}, SMALLER),
    Call(in_context_descent.step_sizes, lambda: {"d": 2, "n": 5, "depth": 2}),
    Call(linear_attention.learned, lambda: {"one": trained()}),
    Call(linear_attention.off_multiples, lambda: {"one": trained()}),
    Call(linear_attention.padded, lambda: {"A": normal(2, 2, 2), "B": normal(2, 2, 2)}),
    Call(
        linear_attention.prompt_loss,
        lambda: {
            "P": normal(1, 3, 3),
            "Q": normal(1, 3, 3),
            "X": normal(4, 2, 5),
            "w": normal(4, 2),
            "Sigma": covariance(),
        },
        {"X": {"fewer columns"}},  # an example fewer
    ),
    Call(
        linear_attention.sparse_loss,
        lambda: {"A": normal(2, 2, 2), "B": normal(2, 2, 2), "S": normal(3, 2, 2), "Sigma": covariance()},
    ),
    Call(linear_attention.train_all, lambda: {k: v for k, v in TRAINING.items() if k != "rate"}, SEEDS),
    Call(linear_attention.train_full, lambda: {"Sigma": covariance(), **TRAINING}, SMALLER | SEEDS),
    Call(linear_attention.train_sparse, lambda: {"Sigma": covariance(), "depth": 2, **TRAINING}, SMALLER | SEEDS),
    Call(wishart.cubature, lambda: {"d": 2, "n": 3, "degree": 4}),
    Call(wishart.draw, lambda: {"d": 2, "n": 3, "count": 2, "generator": draws()}),
    Call(wishart.gauss_rule, lambda: {"moments": [1, 1, 2, 6]}, {"moments": {"first huge", "first bool"}}),
    Call(wishart.moments, lambda: {"d": 2, "n": 3, "degree": 4}),
    Call(wishart.spectrum, lambda: {"d": 2, "n": 3, "degree": 4}),
]

EXEMPT = {
    "companions.in_context_descent.check_covariance": "a check itself, which the calls with covariances try",
    "companions.linear_attention.record": "calls train_all with its arguments, and Recorder, which are tried",
    "companions.linear_attention.recording": "as its folder `recorded.load`, which is tried",
}
