"""What Definitions 2.2 and 2.3 carry of the gradient: orders by known powers, and errors that must show."""

import pytest
import torch

from src import verdicts
from src.model import landscape, weights
from src.theory import expansion

SCALES = torch.logspace(-3, 0, 13, dtype=torch.float64)


def pair(d=6, seed=0):
    return weights.gaussian((2, d, d), 0.3, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "field, value, verdict",
    [
        ("identities", 2e-12, verdicts.FAILS),
        ("beyond_constant", 1.11, verdicts.FAILS),
        ("beyond_constant", 0.89, verdicts.FAILS),
        ("beyond_constant", 1.09, verdicts.HOLDS),
        ("beyond_first_order", 1.89, verdicts.FAILS),
        ("beyond_first_order", 3.0, verdicts.HOLDS),
        ("whole", 0.89, verdicts.FAILS),
        ("whole", 1.11, verdicts.FAILS),
    ],
)
def test_each_number_turns_the_verdict_at_its_threshold(field, value, verdict):
    right = expansion.Orders(1.0, 1.0, 2.0, 1e-16)
    assert right.verdict == verdicts.HOLDS
    assert right._replace(**{field: value}).verdict == verdict


def test_the_worst_of_several():
    one, two = expansion.Orders(1.0, 0.9, 2.0, 1e-16), expansion.Orders(0.7, 1.05, 1.9, 1e-15)
    assert expansion.worst([one, two]) == expansion.worst([two, one]) == (0.7, 0.9, 1.9, 1e-15)
    assert expansion.worst([one]) == one


def test_power_of_a_power():
    assert expansion.power(SCALES, 3 * SCALES**1.7) == pytest.approx(1.7)


@pytest.mark.parametrize("seed", range(3))
def test_the_definitions_carry_the_gradient_to_first_order(seed):
    found = expansion.orders(*pair(seed=seed), SCALES)
    assert found.verdict == verdicts.HOLDS
    assert found.whole == pytest.approx(1, abs=0.01) and found.beyond_first_order == pytest.approx(2, abs=0.01)


def test_remainders_are_those_of_each_scaled_pair():
    W, W_star = pair()
    found = expansion.remainders(W, W_star, SCALES)
    parts = landscape.gradient_parts(0.1 * W, 0.1 * W_star)
    k = int((SCALES - 0.1).abs().argmin())
    assert found.whole[k].item() == pytest.approx(float(sum(parts).norm()), rel=1e-9)
    assert found.beyond_constant[k].item() == pytest.approx(float((parts[1] + parts[2]).norm()), rel=1e-8)
    assert found.beyond_first_order[k].item() == pytest.approx(float(parts[2].norm()), rel=1e-7)


def with_the_own_column(monkeypatch):
    right = landscape.outer_difference
    monkeypatch.setattr(landscape, "outer_difference", lambda W, W_star, without=None: right(W, W_star))


def outer_products_too_long(monkeypatch):
    right = landscape.outer_difference
    monkeypatch.setattr(landscape, "outer_difference", lambda *pair, **options: 1.01 * right(*pair, **options))


def first_order_backwards(monkeypatch):
    right = landscape.gradient_parts

    def wrong(W, W_star):
        parts = right(W, W_star)
        return parts._replace(first_order=-parts.first_order)

    monkeypatch.setattr(landscape, "gradient_parts", wrong)


def own_length_counted(monkeypatch):
    """g in place of g_j in the constant part."""
    right = landscape.gradient_parts

    def wrong(W, W_star):
        parts, A = right(W, W_star), torch.eye(W.shape[-1], dtype=W.dtype) + W
        own = (landscape.potential(W, W_star)[..., None] - landscape.potentials_of_others(W, W_star))[..., None, :]
        return parts._replace(constant=parts.constant + own * A / A.norm(dim=-2, keepdim=True))

    monkeypatch.setattr(landscape, "gradient_parts", wrong)


@pytest.mark.parametrize(
    "plant", [with_the_own_column, outer_products_too_long, first_order_backwards, own_length_counted]
)
def test_a_planted_error_overturns_the_verdict(plant, monkeypatch):
    plant(monkeypatch)
    assert expansion.orders(*pair(), SCALES).verdict == verdicts.FAILS


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="scales"):
        expansion.orders(*pair(), SCALES[:4])
    with pytest.raises(ValueError, match="W_star"):
        expansion.orders(pair()[0], pair(5)[1], SCALES)
