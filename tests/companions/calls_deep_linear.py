"""The public calls on deep linear networks, with and without links; see `tests/bad_inputs.py`."""

import torch

from src.companions import deep_linear, linear_residual, linear_saddles, residual_optimum
from tests.bad_inputs import Call


def draws():
    return torch.Generator().manual_seed(0)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def data(*, columns=5):
    return {"X": normal(3, columns, seed=1), "Y": normal(2, columns, seed=2)}


def network():
    return {"weights": [normal(2, 3, seed=3), normal(2, 2, seed=4)], **data()}


def case():
    return {"network": "one", **data(), "hidden": [2]}


def cases():
    return {"designs": {"one": tuple(data().values())}, "networks": [[2]], "generator": draws()}


def point():
    X = normal(3, 5, seed=5)
    return {"A": 0.2 * normal(2, 3, 3, seed=3), "R": normal(3, 3, seed=4), "Sigma": X @ X.mT}


def target():
    return {"R": torch.linalg.matrix_exp(0.1 * normal(3, 3))}


ROWS = {"fewer rows"}  # of X or Y alone: another number of inputs or outputs
ANY_DATA = {"X": ROWS, "Y": ROWS}
ANY_TEXT = {"network": {"unknown", "empty"}}
MODES = {"chosen": {"empty", "first zero"}}
ANY_SIZE = {"smaller"}
NUMBER = {"zero", "negative"}
OUTPUTS = {"outputs": {"first zero", "first negative"}}
FACTOR = {"depth": 2, "tau": 0.5, "sigma": 1.0}

CALLS = [
    Call(deep_linear.best_loss, lambda: {**data(), "rank": 1}, ANY_DATA),
    Call(deep_linear.check_data, data, ANY_DATA),
    Call(deep_linear.check_network, network),
    Call(deep_linear.descend, lambda: {**network(), "eta": 0.01, "steps": 2}),
    Call(deep_linear.escape_time, lambda: {"depth": 3, "start": 0.1, "end": 0.5}),
    Call(deep_linear.gradient, network),
    Call(deep_linear.hessian, network),
    Call(deep_linear.land, lambda: {**case(), "runs": 1, "generator": draws()}, ANY_DATA | ANY_TEXT),
    Call(deep_linear.loss, network),
    Call(deep_linear.modes, data, ANY_DATA),
    Call(
        deep_linear.steps_to,
        lambda: {"losses": normal(3, 2), "level": 0.5},
        {"losses": {"vector", "fewer rows", "fewer columns", "smaller"}},
    ),
    Call(deep_linear.whitened, data, ANY_DATA),
    Call(linear_residual.check_point, point),
    Call(linear_residual.excess, point),
    Call(linear_residual.factor, lambda: dict(FACTOR), {"tau": {"zero"}}),
    Call(linear_residual.gradient, point),
    Call(linear_residual.inequality, lambda: {"d": 2, "depth": 2, "draws": 2, "generator": draws()}),
    Call(linear_residual.largest_norm, lambda: {"A": point()["A"]}, {"A": ANY_SIZE}),
    Call(linear_residual.no_critical, lambda: {"d": 2, "depth": 2, "draws": 2, "generator": draws()}),
    Call(linear_residual.printed_factor, lambda: dict(FACTOR), {"tau": {"zero"}}),
    Call(linear_residual.product, lambda: {"A": point()["A"]}, {"A": ANY_SIZE}),
    Call(linear_residual.random_points, lambda: {"d": 2, "depth": 2, "draws": 2, "generator": draws()}),
    Call(linear_residual.slope, point),
    Call(linear_saddles.chain, network),
    Call(linear_saddles.check_cases, lambda: {k: v for k, v in cases().items() if k != "generator"}),
    Call(
        linear_saddles.critical_point,
        lambda: {**data(), "hidden": [2], "chosen": [0], "generator": draws()},
        ANY_DATA | MODES,
    ),
    Call(linear_saddles.designs, lambda: {"generator": draws()}),
    Call(
        linear_saddles.examine,
        lambda: {**case(), "chosen": [0], "generator": draws(), "radius": 0.1},
        ANY_DATA | ANY_TEXT | MODES,
    ),
    Call(linear_saddles.examine_all, cases),
    Call(linear_saddles.not_convex, cases),
    Call(
        linear_saddles.unit_loss,
        lambda: {"w_1": 0.5, "w_2": 0.5, "outputs": (1.0, -2.0), "relu": True},
        {"w_1": NUMBER, "w_2": NUMBER, **OUTPUTS},
    ),
    Call(linear_saddles.valleys, lambda: {"outputs": (1.0, -2.0)}, OUTPUTS),
    Call(residual_optimum.from_identity, lambda: {**target(), "depth": 2, "eta": 0.01, "steps": 2}, {"R": ANY_SIZE}),
    Call(
        residual_optimum.optimum,
        lambda: {"d": 2, "gammas": [0.1], "draws": 1, "generator": draws()},
        {"gammas": {"first zero"}},
    ),
    Call(residual_optimum.printed_norm, lambda: {"gamma": 0.1, "depth": 3}, {"gamma": {"zero"}}),
    Call(
        residual_optimum.race,
        lambda: {**target(), "depth": 2, "starts": [0.1], "eta": 0.01, "steps": 2, "generator": draws()},
        {"R": ANY_SIZE},
    ),
    Call(residual_optimum.small_optimum, lambda: {**target(), "depth": 3}, {"R": ANY_SIZE}),
    Call(residual_optimum.spread, target, {"R": ANY_SIZE}),
    Call(
        residual_optimum.target,
        lambda: {"d": 2, "gamma": 0.1, "sign": 1, "generator": draws()},
        {"gamma": {"zero"}, "sign": {"negative"}},
    ),
]

EXEMPT = {
    "companions.linear_residual.check_square": "a check itself, which the calls with matrices try",
}
