"""Tian's theorems against other routes: many digits, automatic differentiation, samples, published numbers."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from src import verdicts
from src.companions import one_node, sector, symmetry_breaking, symmetry_noise
from src.model import population
from src.theory import spurious_minima
from tests import bad_inputs
from tests.companions.calls_symmetry_breaking import CALLS


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def half_gradient(K, x, y):
    W = symmetry_breaking.weights(K, x, y)
    return population.gradient(W, torch.zeros_like(W)) / 2


# --- One node --------------------------------------------------------------------------------------------------------


def node_loss(w, w_star):
    """Half the mean squared error of one node, from the arc-cosine kernel; automatic differentiation does the rest."""
    cosine = w @ w_star / (w.norm() * w_star.norm())
    theta = torch.acos(cosine)
    kernel = (torch.sin(theta) + (math.pi - theta) * cosine) / (2 * math.pi)
    return (w @ w + w_star @ w_star) / 4 - w.norm() * w_star.norm() * kernel


def test_the_velocity_is_minus_the_gradient_of_one_node():
    w_star = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    for seed in range(3):
        w = torch.randn(3, generator=draws(seed), dtype=torch.float64).requires_grad_()
        (slope,) = torch.autograd.grad(node_loss(w, w_star), w)
        w, r = w.detach(), w.detach().norm()
        dr = -(slope @ w) / r
        dtheta = (slope @ w_star - (slope @ w) * w[0] / r**2) / (r * math.sqrt(1 - (w[0] / r) ** 2))
        found = one_node.velocity(r.item(), math.acos(w[0] / r))
        assert found == pytest.approx((dr.item(), dtheta.item()), rel=1e-10)


def test_the_flow_is_that_of_the_velocity():
    length, angle = np.array([1e-3, 0.2, 3.0]), np.array([3.0, 1.0, 2.5])

    def on_clock(sigma, z):
        return np.array(one_node.velocity(*z)) * math.pi * z[0] / (math.pi - z[1])

    for sigma in (0.5, 4.0):
        found = np.array(one_node.flow(length, angle, sigma)).T
        for start, end in zip(zip(length, angle, strict=True), found, strict=True):
            at = solve_ivp(on_clock, (0, sigma), start, method="LSODA", rtol=1e-10, atol=1e-13).y[:, -1]
            assert end == pytest.approx(at, rel=1e-7)
    assert (one_node.distance(*one_node.flow(length, angle)) < 1e-9).all()


def test_on_the_clock_sigma_the_angle_is_the_closed_form():
    """d theta / d sigma = (d theta / dt) pi r / (pi - theta) must be that of tan(theta / 2) = c exp(-sigma / 2)."""
    for r, a in ((0.1, 3.1), (2.0, 0.3)):
        rate = one_node.velocity(r, a)[1] * math.pi * r / (math.pi - a)
        assert rate == pytest.approx(-math.sin(a) / 2, rel=1e-12)
        slope = -one_node.velocity(r, a)[0] / r**2 * math.pi * r / (math.pi - a)  # of 1 / r
        h = math.sin(a) + (math.pi - a) * math.cos(a)
        assert slope == pytest.approx((math.pi - h / r) / (2 * (math.pi - a)), rel=1e-12)


def test_every_start_but_the_opposite_one_arrives():
    almost = math.pi - np.array([1e-1, 1e-3, 1e-5])
    assert (one_node.distance(*one_node.flow(np.full(3, 1e-3), almost)) < 1e-8).all()


def test_the_starts_are_uniform_in_the_ball():
    length, angle = one_node.draw(5, 0.5, 10_000, draws())
    radius = one_node.radius(5, 0.5)
    assert radius == pytest.approx(0.5 * math.sqrt(2 * math.pi / 6)) and length.max() <= radius
    assert np.mean(length < radius * 0.5 ** (1 / 5)) == pytest.approx(0.5, abs=0.025)
    assert np.mean(np.cos(angle) ** 2) == pytest.approx(1 / 5, abs=0.01) and np.mean(angle) == pytest.approx(
        math.pi / 2, abs=0.03
    )


def test_theorem_3_3():
    found = one_node.starts([2, 20], [0.1, 0.5], 500, draws())
    assert (found.arrived == 1).all() and found.verdict == verdicts.HOLDS
    error = np.sqrt(found.nearby * (1 - found.nearby) / 500)
    assert (found.nearby > found.promised - 3 * error).all() and (found.nearby < 0.5).all()
    assert found._replace(arrived=found.promised - 0.01).verdict == verdicts.FAILS
    assert found._replace(promised=np.full(4, 1.1)).verdict == verdicts.FAILS


def test_ex_opposite_node():
    """From the angle pi the length falls like exp(-t / 2) and the node never turns."""
    at = solve_ivp(lambda t, z: one_node.velocity(z[0], math.pi), (0, 10), (1.0, math.pi), rtol=1e-10)
    assert at.y[0, -1] == pytest.approx(math.exp(-5), rel=1e-4)
    assert one_node.velocity(0.5, math.pi - 1e-9)[1] == pytest.approx(0, abs=1e-15)


def test_lemma_3_1():
    found = one_node.formula(4, 3, 50_000, draws())
    assert found.difference < 1e-13 and found.verdict == verdicts.HOLDS
    assert found._replace(difference=1e-9).verdict == verdicts.FAILS
    assert found._replace(deviation=6.0).verdict == verdicts.FAILS


def test_a_wrong_factor_in_lemma_3_1_is_seen(monkeypatch):
    right = one_node.closed_form.pair
    monkeypatch.setattr(one_node.closed_form, "pair", lambda p, a: 2 * right(p, a))
    assert one_node.formula(4, 3, 50_000, draws()).verdict == verdicts.FAILS


# --- The plane -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [2, 3, 7])
@pytest.mark.parametrize(("x", "y"), [(0.5, 0.2), (1e-3, 0.0), (0.3, 0.7), (1.2, -0.1), (-0.2, 0.4)])
def test_the_plane_is_a_slice_of_this_books_model(K, x, y):
    slope = half_gradient(K, x, y)
    dx, dy = symmetry_breaking.velocity(K, x, y)
    assert (slope + symmetry_breaking.weights(K, dx + 1, dy)).norm() < 1e-12 * K
    W = symmetry_breaking.weights(K, x, y)
    half = population.loss(W, torch.zeros_like(W)).item() / 2
    assert symmetry_breaking.loss(K, x, y) == pytest.approx(half, rel=1e-12)


def test_no_gradient_in_the_plane_points_away_near_the_teacher():
    """On a grid within |W|_2 <= 1/2 the inner product of the velocity with the way home is positive."""
    for K in (10, 100, 1500):
        on_ones, across = (v.ravel() for v in np.meshgrid(*[np.linspace(-0.5, 0.5, 60)] * 2))  # W's eigenvalues
        y = (on_ones - across) / K
        x = 1 + across + y
        dx, dy = symmetry_breaking.velocity(K, x, y)
        assert ((1 - x) * dx - (K - 1) * y * dy > 0).all()


def test_arrays_are_taken_entry_by_entry():
    x, y = np.array([0.3, 0.5]), np.array([0.1, 0.5])
    both = np.array(symmetry_breaking.velocity(4, x, y))
    for k in range(2):
        assert both[:, k] == pytest.approx(symmetry_breaking.velocity(4, float(x[k]), float(y[k])), rel=1e-14)


def in_digits(K):
    """The saddle's x = y and the escape rate with 30 digits, the latter from the slope of d(x - y)/dt in x - y."""
    with mpmath.workdps(30):
        angle = mpmath.acos(1 / mpmath.sqrt(K))
        s = (mpmath.sqrt(K - 1) - angle + mpmath.pi) / (mpmath.pi * K)

        def apart(gap):
            x, y = s + gap, s - gap / (K - 1)
            r = mpmath.sqrt(x**2 + (K - 1) * y**2)
            theta, star = mpmath.acos(x / r), mpmath.acos(y / r)
            phi = 2 * mpmath.asin((x - y) / (mpmath.sqrt(2) * r))
            stretch = (K - 1) * (mpmath.sin(star) / r - mpmath.sin(phi)) + mpmath.sin(theta) / r
            return (stretch * (x - y) - theta + (star - phi) - phi * (x - 1 - y)) / (2 * mpmath.pi)

        gap = mpmath.mpf(10) ** -12
        return float(s), float(apart(gap) / (gap * K / (K - 1)))


@pytest.mark.parametrize(("K", "rate"), [(2, 0.595913021681), (5, 1.549160206329), (10, 3.406542046789)])
def test_the_escape_rate_to_many_digits(K, rate):
    s, slope = in_digits(K)
    assert symmetry_breaking.saddle(K) == pytest.approx(s, rel=1e-14)
    assert symmetry_breaking.escape_rate(K) == pytest.approx(slope, rel=1e-9) == pytest.approx(rate, rel=1e-11)


@pytest.mark.parametrize("K", [2, 3, 5, 8])
def test_the_whole_spectrum_at_the_saddle(K):
    s = symmetry_breaking.saddle(K)
    W = symmetry_breaking.weights(K, s, s)
    basis = torch.eye(K * K, dtype=torch.float64).view(-1, K, K)
    found = torch.linalg.eigvalsh(population.hessian_product(W, torch.zeros_like(W), basis).flatten(1) / 2)
    assert np.allclose(found, symmetry_breaking.spectrum_at_saddle(K), atol=1e-6)


def test_ex_best_equal_nodes():
    """Minimising over one common node gives the saddle and its loss, from any start, and beats two unequal weights."""
    K, s = 5, symmetry_breaking.saddle(5)
    ones = torch.ones(1, K, dtype=torch.float64)

    def equal(w):
        W = torch.from_numpy(w)[:, None] * ones - torch.eye(K, dtype=torch.float64)
        half, slope = population.loss_and_gradient(W, torch.zeros_like(W))
        return half.item() / 2, (slope / 2).sum(1).numpy()

    for seed in range(3):
        found = minimize(equal, np.random.default_rng(seed).standard_normal(K), jac=True, tol=1e-12)
        assert found.x == pytest.approx(np.full(K, s), abs=1e-4)
        assert found.fun == pytest.approx(symmetry_breaking.loss(K, s, s), rel=1e-9)
    assert s == pytest.approx(0.2568, abs=5e-5) and found.fun == pytest.approx(0.7801, abs=5e-5)


def test_the_supporting_line_of_the_proof():
    """g(z) = sqrt(1 - z) + (pi - arccos sqrt z) sqrt z is below its tangent at 1/K, for K = 2 most tightly."""
    z = np.linspace(0, 1, 20_001)
    c = np.sqrt(z)
    g = np.sqrt(1 - z) + (math.pi - np.arccos(c)) * c
    slacks = []
    for K in (2, 3, 10, 1000):
        at = math.sqrt(1 / K)
        slope = (math.pi - math.acos(at)) / (2 * at)
        line = math.sqrt(1 - 1 / K) + (math.pi - math.acos(at)) * at + slope * (z - 1 / K)
        assert (line - g).min() > -1e-12
        slacks.append(line[-1] - g[-1])
    assert slacks == sorted(slacks) and slacks[0] == pytest.approx(3.206 - math.pi, abs=1e-3)


def test_a_descent_of_equal_nodes_is_linear():
    path = symmetry_breaking.descend(6, 0.9, 0.9, 0.01, 100)
    s = symmetry_breaking.saddle(6)
    assert (path[:, 0] == path[:, 1]).all(), "ties stay on the diagonal in floating point"
    assert path[:, 0] - s == pytest.approx((0.9 - s) * (1 - 0.01 * 6 / 2) ** np.arange(101), rel=1e-9)


def test_theorem_4_1_symmetric():
    found = symmetry_breaking.symmetric([2, 5, 10, 50])
    assert found.verdict == verdicts.HOLDS
    assert found.curvature == pytest.approx([-symmetry_breaking.escape_rate(int(K)) for K in found.nodes], rel=1e-6)
    for field, value in (("arrival", 1e-9), ("gradient_norm", 1e-2), ("curvature", 0.0)):
        changed = getattr(found, field).copy()
        changed[1] = value
        assert found._replace(**{field: changed}).verdict == verdicts.FAILS, field


def test_a_wrong_saddle_is_seen(monkeypatch):
    right = symmetry_breaking.saddle
    monkeypatch.setattr(symmetry_breaking, "saddle", lambda K: right(K) + 1 / K**2)  # an arccos short of itself
    assert symmetry_breaking.symmetric([2, 5]).verdict == verdicts.FAILS


@pytest.mark.parametrize("K", [2, 5, 10])
def test_ex_slow_direction(K):
    """In the plane the slow rate at the teacher grows with K, in the whole space it is always (pi - 2) / (4 pi)."""
    zero = torch.zeros(K, K, dtype=torch.float64)
    eye = torch.eye(K, dtype=torch.float64)
    plane = torch.stack([eye / math.sqrt(K), (1 - eye) / math.sqrt(K * (K - 1))])
    product = population.hessian_product(zero, zero, plane) / 2
    inside = torch.linalg.eigvalsh(torch.einsum("aij,bij->ab", plane, product))
    assert symmetry_breaking.rates_at_teacher(K) == pytest.approx(inside.tolist(), rel=1e-10)
    assert inside[0].item() == pytest.approx({2: 0.40915, 5: 0.75465, 10: 1.46238}[K], abs=1e-5)
    basis = torch.eye(K * K, dtype=torch.float64).view(-1, K, K)
    whole = torch.linalg.eigvalsh(population.hessian_product(zero, zero, basis).flatten(1) / 2)[0].item()
    assert whole == pytest.approx((math.pi - 2) / (4 * math.pi), rel=1e-10) and round(whole, 4) == 0.0908


def test_the_time_to_part_is_logarithmic_in_the_gap():
    for K in (2, 10):
        times = symmetry_breaking.escape_times(K, [1e-3, 1e-5, 1e-7])
        assert np.diff(times) == pytest.approx(math.log(100) / symmetry_breaking.escape_rate(K), rel=2e-3)


def test_figure_4():
    found = symmetry_breaking.figure()
    assert found.verdict == verdicts.HOLDS
    published = found.published * [1, 1 + 1e-5, 1]
    wrong = {"published": published, "errors": found.errors[::-1], "largest_y": found.largest_y * 0.3}
    for field, value in wrong.items():
        assert found._replace(**{field: value}).verdict == verdicts.FAILS, field
    slower = found._replace(errors=found.errors[::-1], published=found.published[::-1])
    assert slower.verdict == verdicts.FAILS, "larger K must be faster"


# --- The sector ------------------------------------------------------------------------------------------------------


def ordinary(K, theta):
    """N over (K - 1) squared at one angle, from p and q as they stand and numerical derivatives, in mpmath."""
    root = mpmath.sqrt(K - 1)

    def h(a):
        return mpmath.sin(a) + (mpmath.pi - a) * mpmath.cos(a)

    def p(t):
        c = 2 * mpmath.cos(t) * mpmath.sin(t) / root + (K - 2) * mpmath.sin(t) ** 2 / (K - 1)
        return mpmath.pi + (K - 1) * h(mpmath.acos(c))

    def q(t):
        return h(t) + (K - 1) * h(mpmath.acos(mpmath.sin(t) / root))

    return (2 * mpmath.diff(q, theta) * p(theta) - q(theta) * mpmath.diff(p, theta)) / (K - 1) ** 2


@pytest.mark.parametrize("K", [2, 3, 10, 1001])
def test_the_intervals_hold_the_turning_function(K):
    k, whole = 1 / math.sqrt(K - 1), math.pi / 2 - math.atan(1 / math.sqrt(K - 1))
    with mpmath.workdps(30):
        for place in (0.1, 0.4, 0.9):
            at = sector.Interval(np.float64(place), np.float64(place))
            n, slope = sector.turning(sector.Interval(np.float64(k), np.float64(k)), at)
            theta = mpmath.mpf((1 - place) * whole)
            exact, derivative = ordinary(K, theta), mpmath.diff(lambda t: ordinary(K, t), theta, h=1e-8)
            assert n.low - 1e-12 <= exact <= n.high + 1e-12 and n.high - n.low < 1e-11
            assert float(derivative) == pytest.approx(float(slope.low), rel=1e-5)


def test_intervals_hold_what_they_should():
    box = sector.Interval(np.array([0.1]), np.array([0.3]))
    n, slope = sector.turning(box, sector.Interval(np.array([0.5]), np.array([0.52])))
    for k in np.linspace(0.1, 0.3, 5):
        for place in np.linspace(0.5, 0.52, 5):
            point = [sector.Interval(v, v) for v in (k, place)]
            one, its_slope = sector.turning(*point)
            assert n.low[0] <= one.low and one.high <= n.high[0]
            assert slope.low[0] <= its_slope.low and its_slope.high <= slope.high[0]
    product = sector.Interval(np.float64(-1), np.float64(2)) * sector.Interval(np.float64(-3), np.float64(1))
    assert (product.low, product.high) == pytest.approx((-6, 3)), "the ends of a product need not be the ends' products"
    third = sector.Interval(np.float64(1), np.float64(1)) / sector.Interval(np.float64(3), np.float64(3))
    assert mpmath.mpf(float(third.low)) * 3 < 1 < mpmath.mpf(float(third.high)) * 3


def test_theorem_4_1_broken():
    found = sector.sector(60)
    assert found.verdict == verdicts.HOLDS
    assert found.middle < sector.sector(20).middle, "smaller boxes prove more"
    for field, value in (("middle", 0.0), ("at_saddle", 0.0), ("at_teacher", 0.0)):
        assert found._replace(**{field: value}).verdict == verdicts.OPEN, field


def test_a_wrong_sector_is_seen(monkeypatch):
    """Another teacher angle, h of a wrong sign: the proof no longer closes."""
    monkeypatch.setattr(sector, "_h", lambda a: np.sin(a) - (math.pi - a) * np.cos(a))
    assert sector.sector(60).verdict == verdicts.OPEN


def test_nothing_leaves_the_triangle():
    """At x = 1 the flow points inwards, and at y = 0 upwards; starts all over the triangle end at the teacher."""
    y = np.linspace(1e-6, 1, 2001)
    for K in (2, 3, 10, 1000):
        assert (symmetry_breaking.velocity(K, np.ones_like(y), y)[0] < 0).all()
        assert (symmetry_breaking.velocity(K, y[:-1], np.zeros(2000))[1] > 0).all()
        u = np.linspace(0.02, 1, 8)
        x, share = (v.ravel() for v in np.meshgrid(u, np.linspace(0, 0.98, 8)))
        end = symmetry_breaking.descend(K, x, share * x, min(0.2, 1 / K), 500 + 5 * K if K < 100 else 2000)[-1]
        assert np.abs(end - [[1], [0]]).max() < 1e-3


def test_the_bound_at_the_edge():
    """The step of the proof at x = 1: alpha sin(phi*) - sin(phi) < (pi / 2) y, and phi <= pi / 2."""
    y = np.linspace(1e-4, 1, 5000)
    for K in (2, 3, 4, 10, 10**6):
        r, theta, phi, star = symmetry_breaking._polar(K, np.ones_like(y), y)
        assert (np.sin(star) / r - np.sin(phi) < math.pi / 2 * y).all() and (phi <= math.pi / 2 + 1e-12).all()
        assert (np.sin(theta) / r <= theta).all()


# --- Noise -----------------------------------------------------------------------------------------------------------


def test_starts_with_one_seed_share_their_noise():
    small, large = (symmetry_noise.weights(4, symmetry_noise.Start(0.5, s), [3, 5]) for s in (0.1, 0.2))
    eye = torch.eye(4, dtype=torch.float64)
    assert torch.allclose(large + eye / 2, 2 * (small + eye / 2))
    alone = symmetry_noise.weights(4, symmetry_noise.STARTS["noise alone"], [3, 5])
    assert torch.allclose(alone + eye, 2.5 * (large + eye / 2))
    assert not torch.equal(small[0], small[1])


def test_descents_end_as_the_flow_would(monkeypatch):
    """Six nodes, noise: most reach a copy of the teacher; a start in the plane reaches the teacher itself."""
    plane = symmetry_breaking.weights(6, 1e-3, 0.0)[None]
    assert symmetry_noise.descend(plane)[0].norm() < 0.01
    start = symmetry_noise.weights(6, symmetry_noise.STARTS["small, less noise"], [0, 1])
    assert (symmetry_noise.descend(start).flatten(1).norm(dim=1) < 0.05).all()


@pytest.fixture(scope="module")
def stuck():
    """Eight nodes near a minimum of the Safran-Shamir family, in another order, and one start that arrives."""
    W, eye = spurious_minima.minimum(8), torch.eye(8, dtype=torch.float64)
    moved = (W + eye)[[3, 0, 1, 2, 4, 5, 6, 7]][:, [3, 0, 2, 1, 4, 5, 6, 7]] - eye
    noise = torch.randn(8, 8, generator=draws(), dtype=torch.float64)
    return symmetry_noise.descend(torch.stack([moved + 1e-3 * noise, 1e-3 * noise]))


def test_eight_nodes_can_be_stuck_in_a_strict_minimum(stuck):
    found = symmetry_noise.conjecture(stuck)
    assert (found.solved, found.own, found.verdict) == (1, 1, verdicts.FAILS)
    rest = found.stuck
    assert rest.loss == pytest.approx(0.02150804, abs=1e-8) and rest.gradient_norm < 1e-12 and abs(rest.family) < 1e-12
    assert rest.lowest_curvature == pytest.approx(0.0213, abs=1e-4) and rest.strict_minimum


@pytest.mark.parametrize("field, value", [("gradient_norm", 1e-9), ("lowest_curvature", -1e-3), ("loss", 1e-4)])
def test_what_is_no_strict_minimum_leaves_the_conjecture_open(stuck, field, value):
    found = symmetry_noise.conjecture(stuck)
    assert found._replace(stuck=found.stuck._replace(**{field: value})).verdict == verdicts.OPEN
    assert found._replace(solved=2).verdict == verdicts.HOLDS
    assert found._replace(stuck=None).verdict == verdicts.OPEN


def test_the_saddle_is_no_strict_minimum():
    s = symmetry_breaking.saddle(4)
    W = symmetry_breaking.weights(4, s, s) + 1e-4 * torch.randn(4, 4, generator=draws(), dtype=torch.float64)
    assert symmetry_noise.descend(W[None])[0].norm() > 1.4, "one of the copies of the teacher, not the saddle"


def test_a_descent_that_lingers_at_a_saddle_goes_on():
    """At three nodes the family of Safran and Shamir is a saddle: a start beside it has nearly no gradient."""
    noise = torch.randn(3, 3, generator=draws(1), dtype=torch.float64)
    start = spurious_minima.minimum(3) + 1e-4 * noise
    assert population.gradient(start, torch.zeros_like(start)).norm() < 1e-3
    end = symmetry_noise.descend(start[None])
    assert population.loss(end, torch.zeros_like(end)).item() / 2 < symmetry_noise.SOLVED


def test_counts():
    found, ends = symmetry_noise.counts([3], [0, 1])
    assert found.solved.tolist() == [[2] * 5] and ends[3].shape == (5, 2, 3, 3)
    assert found.own[0, 3] == 2 and found.own[0, 0] == 2


# --- Bad input -------------------------------------------------------------------------------------------------------


def test_one_node_where_two_are_needed():
    for call in CALLS:
        if call.function.__module__.endswith("symmetry_breaking") and "K" in call.arguments():
            with pytest.raises(ValueError, match=r"^K must be from 2"):
                call.function(**call.arguments() | {"K": 1})
    with pytest.raises(ValueError, match="entry 0 of nodes must be from 2"):
        symmetry_noise.counts([1], [0])


def test_spoiled_arguments_are_refused_clearly():
    rows = bad_inputs.tried(CALLS, every=10)
    assert [row for row in rows if row[3] != bad_inputs.Outcome.CLEAR] == []


@pytest.mark.parametrize("name", ["loss", "velocity"])
def test_shapes_that_do_not_fit_are_named(name):
    with pytest.raises(ValueError, match="y must have the shape of x"):
        getattr(symmetry_breaking, name)(3, np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="x and y must not both be zero"):
        getattr(symmetry_breaking, name)(3, 0.0, 0.0)
    with pytest.raises(ValueError, match="angle must have the shape of length"):
        one_node.flow(np.ones(2), np.ones(3))
