"""The weights stay small: the certificate and each of its constants, the exact steps, the comparison, descents."""

import math
from fractions import Fraction

import pytest
import torch
from test_linear_part import structured

from src import verdicts
from src.model import landscape, population
from src.theory import linear_part, norm_stays
from src.theory.intervals import Interval

THEOREM = norm_stays.THEOREM


def test_every_condition_is_certified():
    found = norm_stays.certify()
    assert found.verdict == verdicts.HOLDS and set(found.slacks) == {"Arb", "mpmath"}
    assert found.slacks["Arb"].keys() == found.slacks["mpmath"].keys() and len(found.slacks["Arb"]) == 24
    for name, slack in found.slacks["Arb"].items():
        assert slack == pytest.approx(found.slacks["mpmath"][name], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", norm_stays.Theorem._fields[5:])
def test_no_constant_of_the_proof_can_be_a_tenth_smaller(name):
    less = THEOREM._replace(**{name: getattr(THEOREM, name) * Fraction(9, 10)})
    assert norm_stays.certify(less).verdict == verdicts.OPEN


@pytest.mark.parametrize(
    "change",
    [
        {"gamma": Fraction(98, 10_000)}, {"gamma_0": Fraction(11, 10_000)}, {"noise": Fraction(13, 100_000)},
        {"d_least": 80}, {"step": Fraction(30)},
    ],
    ids=str,
)  # fmt: skip
def test_a_stronger_statement_is_open(change):
    assert norm_stays.certify(THEOREM._replace(**change)).verdict == verdicts.OPEN


@pytest.mark.parametrize("d", [101, 1000, 10**6, 10**9])
def test_the_conditions_hold_in_larger_dimensions(d):
    assert norm_stays.certify(THEOREM._replace(d_least=d)).verdict == verdicts.HOLDS


def test_a_certificate_without_slack_is_open():
    good = norm_stays.certify()
    assert good._replace(slacks={}).verdict == verdicts.OPEN
    broken = {"Arb": good.slacks["Arb"], "mpmath": good.slacks["mpmath"] | {"Z, slow": 0.0}}
    assert good._replace(slacks=broken).verdict == verdicts.OPEN


def variables(W, W_star):
    """sigma, h, M_hat, and what the equations of a step need besides."""
    M, d = W_star - W, W.shape[-1]
    p = torch.full((d,), d**-0.5, dtype=W.dtype)
    Pi = torch.eye(d, dtype=W.dtype) - torch.outer(p, p)
    h = landscape.potential(W, W_star) / d
    return M, p, Pi, h, M @ p, M @ Pi - h * Pi


@pytest.mark.parametrize("d", [3, 7, 20])
def test_the_fast_parts_drop_out(d):
    """The equations of one step, with noise: for sigma, M_hat, M_hat^T p and the diagonal of M_hat, exactly."""
    some, a, eta = structured(d), math.pi / 2, 0.1 / d
    c = a - 1
    for i, j, k in torch.randint(len(some), (40, 3), generator=torch.Generator().manual_seed(d)).tolist():
        W, W_star, E = 0.05 * some[i], 0.02 * some[j], 0.001 * some[k]
        M, p, Pi, h, sigma, hat = variables(W, W_star)
        A = torch.eye(d, dtype=W.dtype) + W
        A_bar, tau, g = A / A.norm(dim=0), p @ sigma, d * h
        N = linear_part.split(W, W_star).rest + E
        _, _, _, h_next, sigma_next, hat_next = variables(W + eta * (population.lemma_2_1(W, W_star) + E), W_star)
        e = (h_next - h) / eta + (d + c) * h + a * tau
        own, own_hat = M.diagonal() - h, hat.diagonal()
        off = A_bar - torch.eye(d, dtype=W.dtype)
        push = g * off @ Pi + N @ Pi + torch.outer(p, Pi @ sigma) + (e - a * tau) * Pi
        y = hat.mT @ p
        pairs = {
            "sigma": (sigma, sigma_next, a * (d + 1) * sigma + M.mT @ p - 2 * M.diagonal() * p + g * A_bar @ p + N @ p),
            "M_hat": (hat, hat_next, a * hat + Pi @ hat.mT @ Pi - 2 * torch.diag(own) @ Pi + push),
            "y": (y, hat_next.mT @ p, a * y + Pi @ (-2 * own * p + g * off.mT @ p + sigma + N.mT @ p)),
            "diagonal": (
                own_hat, hat_next.diagonal(),
                (a + 1) * own_hat - y / d**0.5 - 2 * (1 - 1 / d) * own + push.diagonal(),
            ),
        }  # fmt: skip
        for name, (before, after, slope) in pairs.items():
            torch.testing.assert_close((before - after) / eta, slope, rtol=1e-6, atol=1e-8, msg=name)
        torch.testing.assert_close(own, own_hat + sigma / d**0.5 - h / d)
        size, at = torch.linalg.matrix_norm(M, 2), linear_part.bounds(Interval(0.05), Interval(0.02))
        whole = torch.linalg.matrix_norm(population.lemma_2_1(W, W_star) + E, 2)
        allowed = a * at.beta.at_least() * sigma.norm() + at.potential.at_least() * size + 0.001
        assert abs(e) <= (allowed + eta / 2 / 0.95 * whole**2) * (1 + 1e-9)


@pytest.mark.parametrize(("d", "eta"), [(100, 3e-3), (100, 2e-4), (1000, 3e-4)])
def test_a_step_keeps_every_bound(d, eta):
    """The recursions of the proof with equality, from the worst start: nothing overtakes its bound."""
    at = linear_part.bounds(Interval(0.01), Interval(0.001))
    t = norm_stays.Theorem(*map(float, THEOREM))
    psi, beta, dip, inverse = (x.at_least() for x in (at.psi, at.beta, at.dip, at.inverse))
    rest, own_rest, slope = (x.at_least() for x in (at.rest, at.diagonal, at.potential))
    a, root, size, start = math.pi / 2, d**0.5, t.gamma - t.gamma_0, 2 * t.gamma_0
    c, own_tilt = a - 1, dip + beta / root
    own_rest = (own_rest + rest / root) * size + t.noise
    rest = rest * size + t.noise
    slope = slope * size + t.noise + t.step * inverse * ((a + psi) * size + ((a + 3) * size + rest) / d) ** 2 / 2
    both = math.sqrt(1 + a * a) + a * beta
    h, sigma, v, own, x, z = start, start, start / root, 2 * start, 2 * start, 0.0
    f = q = q_bar = 1.0
    for _ in range(math.ceil(8 / eta)):
        bounds = {
            h: t.h_fast * f + t.g_slow / d,
            sigma: t.sigma_fast * f + t.sigma_slow,
            v: (start / root + t.v_fast) * q - t.v_fast * f + t.v,
            own: t.own + t.own_start * q_bar - t.own_medium * q - t.own_fast * f,
            x: t.x - t.x_fast * f,
            z: t.z * (1 - q) + 2 * t.own_start * (q_bar - q) + t.z_fast * (q - f),
            math.hypot(x + z + h, sigma): size,
        }
        assert all(found <= bound * (1 + 1e-12) + 1e-18 for found, bound in bounds.items())
        moved = own + sigma / root + h / d
        h, sigma, v, own, x, z = (
            h + eta * (-d * h + a * psi * sigma + slope),
            sigma + eta * (-a * d * sigma + 3 * size + rest + psi * d * h),
            v + eta * (-a * v + 4 / d * moved + (beta * d * h + sigma + rest) / root),
            own
            + eta
            * (-c * own + v + 3 * sigma / root + 2 * h / d + own_tilt * d * h + own_rest + a * psi * sigma + slope),
            x + eta * (-c * x + beta * d * h + rest),
            z + eta * (-a * z + 2 * moved + both * sigma + slope),
        )
        f, q, q_bar = f * (1 - eta * 0.97 * d), q * (1 - eta * a), q_bar * (1 - eta * c)


def test_descents_keep_the_promise():
    some = structured(100)
    i, j = torch.randint(len(some), (2, 6), generator=torch.Generator().manual_seed(0))
    found = norm_stays.watch(1e-3 * some[i], 1e-3 * some[j], 3e-3, 150, torch.Generator().manual_seed(1))
    assert found.kept and found.norm > 0.1


def test_the_verdict_asks_for_all_of_it():
    good = norm_stays.Proved(norm_stays.certify(), (norm_stays.after(100),), norm_stays.Watched(1.0, 1.0, 1.0))
    assert good.verdict == verdicts.HOLDS
    for worst in ((1.01, 0.5, 0.5), (0.5, 1.01, 0.5), (0.5, 0.5, 1.01), (0.5, math.nan, 0.5)):
        assert good._replace(watched=norm_stays.Watched(*worst)).verdict == verdicts.FAILS
    for change in ({"certificate": good.certificate._replace(slacks={})}, {"phases": ()},
                   {"phases": (good.phases[0], good.phases[0]._replace(margin=0.0))}):  # fmt: skip
        assert good._replace(**change).verdict == verdicts.OPEN


def test_hard_pairs_are_allowed_and_hard():
    W, W_star = norm_stays.hard_pairs(100)
    norms = torch.linalg.matrix_norm(torch.stack([W, W_star]), 2)
    torch.testing.assert_close(norms, torch.full_like(norms, 1e-3))
    found = norm_stays.watch(W, W_star, 3e-3, 150, torch.Generator().manual_seed(1))
    assert found.kept and found.norm > 0.15 and found.potential > 0.9


def test_both_phases_in_every_dimension():
    for d in (100, 1500, 10**6):
        at = norm_stays.after(d)
        assert at.verdict == verdicts.HOLDS and at.margin > 0.46
        f = math.exp(at.phase_one * math.log1p(-0.97 * at.step * d))
        assert 2e-3 * d * f + 0.00065 <= 0.1
        T = norm_stays.steps_to(at, 1e-3)
        shrunk = at.distance * math.exp((T - at.phase_one) * math.log1p(-at.rate))
        assert shrunk <= 1e-3 < shrunk * 1.01
    assert norm_stays.steps_to(at, 100.0) == at.phase_one
    with pytest.raises(ValueError, match="at must hold"):
        norm_stays.steps_to(at._replace(margin=0.0), 1.0)


def test_bad_input_is_named():
    zero = torch.zeros(100, 100, dtype=torch.float64)
    few = torch.zeros(50, 50, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(ValueError, match="W and W_star"):
        norm_stays.watch(few, few, 0.01, 2, generator)
    with pytest.raises(ValueError, match="W and W_star"):
        norm_stays.watch(zero + 0.01, zero, 0.01, 2, generator)
    with pytest.raises(ValueError, match="d must"):
        norm_stays.after(99)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("h, fast", {"sigma_fast": Fraction(38, 10_000)}),
        ("sigma, start", {"sigma_fast": Fraction(19, 10_000)}),
        ("sigma, slow", {"sigma_slow": Fraction(187, 10**6)}),
        ("X, slow", {"x": Fraction(3, 1000)}),
        ("Z, top", {"z": Fraction(-3, 1000)}),
        ("|M|, early", {"h_fast": Fraction(4, 1000)}),
        ("steps", {"step": Fraction(80)}),
        ("q >= q_bar^3", {"step": Fraction(2000)}),
        ("gamma_0 below gamma", {"gamma_0": Fraction(2, 100)}),
    ],
)
def test_a_condition_with_room_has_an_end(name, change):
    """Of those that no constant of the table is tight for."""
    try:
        assert not norm_stays.conditions(THEOREM._replace(**change))[name].positive()
    except ArithmeticError:  # a root of a negative number: refused before it is compared
        assert name == "Z, top"
