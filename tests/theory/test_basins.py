"""The exchange of columns, the copies of a teacher and where descent ends, by src.theory.basins."""

import itertools
import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.model import population, weights
from src.theory import basins
from src.theory.basins import End


def draw(d, seed, size=0.3):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def teacher(d, seed=0):
    return weights.with_norms(d, 0.3, 0.18 * d**0.5, generator(seed))


# Figure 1


def test_an_exchange_of_columns_is_noticed_with_the_link_only():
    W, x = draw(6, 0, size=0.4), torch.randn(5000, 6, generator=generator(), dtype=torch.float64)
    exchange = basins.exchange_columns(W, x)
    assert exchange.without_link < 1e-14 and exchange.link_error < 1e-13
    # By the closed form: the mean square of the change is the loss of the one network against the other.
    square = population.loss(W[:, [1, 0, 2, 3, 4, 5]], W).item()
    spread = (x @ (torch.eye(6, dtype=torch.float64) + W)).relu().sum(1).std().item()
    assert exchange.with_link == pytest.approx(square**0.5 / spread, rel=0.05)
    assert exchange.verdict == verdicts.ILLUSTRATED


@pytest.mark.parametrize(
    "change", [{"with_link": 1e-4}, {"without_link": 1e-9}, {"without_link": -1e-9}, {"link_error": 1e-9},
               {"link_error": -1e-9}, {"with_link": math.nan}]
)  # fmt: skip
def test_each_number_overturns_figure_1(change):
    right = basins.Exchange(with_link=0.3, without_link=1e-16, link_error=1e-15)
    assert right.verdict == verdicts.ILLUSTRATED
    assert right._replace(**change).verdict == verdicts.FAILS


def test_equal_columns_show_nothing():
    W = draw(4, 1)
    W[:, 1] = W[:, 0]
    x = torch.randn(100, 4, generator=generator(), dtype=torch.float64)
    assert basins.exchange_columns(W, x).verdict == verdicts.FAILS


# Switching columns


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, verdicts.CORRECTED),
        ({"equal": 1e-9}, verdicts.HOLDS),
        ({"equal": -1e-9}, verdicts.HOLDS),
        ({"different": 9e-4}, verdicts.FAILS),
        ({"different": -0.1}, verdicts.FAILS),
        ({"equal": 1e-9, "different": 9e-4}, verdicts.FAILS),
        ({"different": math.nan}, verdicts.FAILS),
    ],
)
def test_verdict_on_switching(change, verdict):
    right = basins.Switch(equal=0.0, different=0.08, starts=20)
    assert right._replace(**change).verdict == verdict


def test_switched_columns():
    W = draw(4, 2)
    assert torch.equal(basins.switched(W, 1, 3), W[:, [0, 3, 2, 1]])
    assert torch.equal(basins.switched(W.expand(2, 4, 4))[1], W[:, [1, 0, 2, 3]])


def test_columns_that_differ_are_told_apart_where_the_corollary_says():
    """The smallest loss of the search against draws, and pairs at which the corollary's condition fails."""
    found = basins.switch_columns(3, 10, generator())
    assert found.verdict == verdicts.CORRECTED and found.equal == 0
    W = torch.randn(2000, 3, 3, generator=generator(1), dtype=torch.float64)
    W *= (0.5 * torch.rand(2000, generator=generator(2)) / torch.linalg.matrix_norm(W, 2))[:, None, None]
    loss = population.loss(W[..., [1, 0, 2]], W)
    relative = loss / (W[..., 0] - W[..., 1]).square().sum(-1)
    assert found.different <= relative.min() and relative.min() < 5 * found.different
    # I + W singular: e_1 + w_1 = e_2 + w_2 = 2 (e_2 - e_1), and the two columns of W can be switched
    singular = torch.tensor([[-3.0, -2.0], [2.0, 1.0]], dtype=torch.float64)
    assert population.loss(basins.switched(singular), singular).abs() < 1e-12
    assert torch.linalg.matrix_norm(singular, 2) >= 1


def test_a_network_without_the_link_does_not_notice_a_switch(monkeypatch):
    right = population.loss
    monkeypatch.setattr(population, "loss", lambda W, W_star: right(W * 1e-3, W_star * 1e-3))
    assert basins.switch_columns(3, 5, generator()).verdict == verdicts.FAILS


def test_the_link_is_a_start_and_a_centre_of_decay():
    W, W_star, d = draw(4, 5), draw(4, 6), 4
    x = torch.randn(12, 30, d, generator=generator(3), dtype=torch.float64)
    assert basins.paths_apart(W, W_star, x, eta=0.05) < 1e-14
    # with decay the two differ by (1 - eta decay) V - (I + (1 - eta decay) W) = -eta decay I after one step
    assert basins.paths_apart(W, W_star, x[:1], eta=0.05, decay=0.1) == pytest.approx(0.005, rel=1e-9)
    # two steps of SGD on the sampled loss, as a plain loop with the gradient written out
    eye, V, L = torch.eye(d, dtype=torch.float64), torch.eye(d, dtype=torch.float64) + W, W.clone()
    for batch in x[:2]:
        f_star = (batch @ (eye + W_star)).relu().sum(1)
        for name in ("vanilla", "link"):
            hidden = batch @ V if name == "vanilla" else batch @ L + batch
            step = 0.05 * 2 / 30 * batch.T @ ((hidden.relu().sum(1) - f_star)[:, None] * (hidden > 0))
            if name == "vanilla":
                V = 0.98 * V - step
            else:
                L = 0.98 * L - step
    expected = (V - eye - L).abs().max().item()
    assert basins.paths_apart(W, W_star, x[:2], eta=0.05, decay=0.4) == pytest.approx(expected, rel=1e-12)


# The copies


def test_every_order_of_the_columns_has_loss_zero_and_no_other_exchange_has():
    W_star = teacher(5)
    students = basins.permuted(W_star, basins.all_orders(5))
    assert students.shape == (120, 5, 5) and torch.allclose(students[0], W_star, atol=1e-15)
    assert population.loss(students, W_star).abs().max() < 1e-14
    distances = torch.cdist(students.flatten(1), students.flatten(1)) + 10 * torch.eye(120)
    assert distances.min() > 1  # they are 120 different points
    only_W = W_star[:, [1, 0, 2, 3, 4]]
    assert population.loss(only_W, W_star) > 1e-3


def test_all_orders_are_all():
    assert len({tuple(order) for order in basins.all_orders(4).tolist()}) == 24
    assert basins.all_orders(3)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("d", [3, 4, 6])
def test_the_copies_are_as_far_away_as_the_proposition_says(d):
    W_star = teacher(d)
    norms = torch.linalg.matrix_norm(basins.permuted(W_star, basins.all_orders(d)), 2)
    assert norms[0] == pytest.approx(0.3) and norms[1:].min() >= math.sqrt(3) - 0.3
    assert norms.max() <= 2.3


def test_a_cycle_of_columns_has_the_norm_of_the_proof():
    for length in range(2, 9):
        shift = torch.linalg.matrix_norm(basins.cyclic_shift(length) - torch.eye(length, dtype=torch.float64), 2)
        expected = 2.0 if length % 2 == 0 else 2 * math.cos(math.pi / 2 / length)
        assert shift.item() == pytest.approx(expected, rel=1e-13)


def test_ex_nearest_copy():
    orders = basins.all_orders(5)
    copies = basins.permuted(torch.zeros(5, 5, dtype=torch.float64), orders)[1:]
    moved = (orders[1:] != orders[0]).sum(1)
    spectral, frobenius = torch.linalg.matrix_norm(copies, 2), copies.flatten(1).norm(dim=1)
    assert spectral.min().item() == pytest.approx(math.sqrt(3), rel=1e-12)
    nearest = spectral < math.sqrt(3) + 1e-9
    assert moved[nearest].tolist() == [3] * 20  # the cycles of three: 5 * 4 * 3 / 3
    assert frobenius.numpy() == pytest.approx((2 * moved).sqrt().numpy())
    assert moved[frobenius < 2 + 1e-9].tolist() == [2] * 10
    assert frobenius[nearest].numpy() == pytest.approx(math.sqrt(6))


# Figure 2


def test_the_plane_holds_origin_identity_and_shift():
    c = torch.tensor([0.0, 1.0], dtype=torch.float64)
    square = basins.plane(c, c, 3)
    eye = torch.eye(3, dtype=torch.float64)
    assert torch.equal(square[0, 1], eye) and torch.equal(square[1, 0], basins.cyclic_shift(3))
    assert square[0, 0].count_nonzero() == 0 and torch.equal(square[1, 1], eye + basins.cyclic_shift(3))
    P = basins.cyclic_shift(3)
    assert [(eye @ P)[:, j].argmax().item() for j in range(3)] == [2, 0, 1]  # a permutation of the columns


def test_destinations_are_told_apart():
    d, W_star = 4, teacher(4)
    eye, P = torch.eye(d, dtype=torch.float64), basins.cyclic_shift(d)
    swapped = eye + basins.permuted(W_star, [1, 0, 2, 3])
    starts = torch.stack([eye, P, swapped + 0.01, eye])
    assert basins.destination(starts, W_star, 1000).tolist() == [End.TEACHER, End.SHIFTED, End.OTHER, End.TEACHER]
    assert basins.destination(4 * eye[None], W_star, 1).tolist() == [End.MOVING]
    assert torch.equal(starts[0], eye)  # the starts are left alone


def test_a_descent_at_rest_above_zero_is_seen():
    """A negative multiple of the identity and a shift keeps a symmetry that the teacher does not have."""
    W_star, start = torch.zeros(2, 2, dtype=torch.float64), -torch.ones(1, 2, 2, dtype=torch.float64)
    assert basins.destination(start, W_star, 20000).tolist() == [End.AT_REST]


def test_figure_2_at_small_scale():
    W_star = teacher(6)
    ticks = torch.tensor([-0.9, 0.1, 1.0], dtype=torch.float64)
    on_plane = basins.ends_on_plane(W_star, ticks, 600)
    assert on_plane.end.shape == (3, 3)
    assert on_plane.end[1, 2] == End.TEACHER and on_plane.end[2, 1] == End.SHIFTED
    norms = {
        (i, j): torch.linalg.matrix_norm(basins.plane(ticks, ticks, 6)[i, j] - torch.eye(6, dtype=torch.float64), 2)
        for i, j in itertools.product(range(3), repeat=2)
    }
    missed = [norms[i, j] for i, j in norms if on_plane.end[i, j] != End.TEACHER]
    assert on_plane.safe_radius == pytest.approx(float(min(missed)))


def test_random_starts_share_their_noise():
    W_star = teacher(4)
    ends = basins.ends_at_random(W_star, [1e-3, 0.1], 3, 400, generator())
    assert ends.around_identity.shape == ends.around_origin.shape == (2, 3)
    assert (ends.around_identity == End.TEACHER).all() and ends.norms.tolist() == [1e-3, 0.1]
    assert (ends.around_origin != End.TEACHER).any()
    again = basins.ends_at_random(W_star, [1e-3, 0.1], 3, 400, generator())
    assert np.array_equal(ends.around_origin, again.around_origin)


@pytest.mark.parametrize("seed", [1, 2])
def test_ex_stuck_or_elsewhere(seed):
    draws = generator(seed)
    W_star = weights.with_norms(4, 0.3, 0.18 * 4**0.5, draws)
    ends = basins.ends_at_random(W_star, [0.1, 0.5, 1.0, 1.5], 25, 2000, draws).around_origin
    assert not np.isin(ends, (End.AT_REST, End.MOVING)).any()
    assert (ends == End.TEACHER).mean() < 0.1


def landscape(near=End.TEACHER, origin=(End.OTHER, End.AT_REST), safe_radius=1.0):
    on_plane = basins.Plane(torch.zeros(1), np.zeros((1, 1)), safe_radius)
    around_identity = np.array([[End.TEACHER, near], [End.OTHER, End.OTHER]])
    at_random = basins.RandomStarts(np.array([0.5, 1.5]), around_identity, np.array([origin, origin]))
    return basins.sketch(on_plane, at_random)


def test_the_sketch_counts_ends():
    assert landscape() == basins.Sketch(near_identity=1.0, near_origin=0.0, at_rest=0.5, safe_radius=1.0)
    assert landscape().verdict == verdicts.ILLUSTRATED
    for change in (
        {"near": End.OTHER},
        {"safe_radius": 0.4},
        {"origin": (End.OTHER, End.SHIFTED)},
        {"origin": (End.OTHER, End.MOVING)},
    ):
        assert landscape(**change).verdict == verdicts.FAILS


@pytest.mark.parametrize(
    "change", [{"near_identity": 0.99}, {"near_origin": 0.5}, {"at_rest": 0.0}, {"safe_radius": 0.5}]
)
def test_each_number_overturns_figure_2(change):
    assert landscape()._replace(**change).verdict == verdicts.FAILS


def test_bad_input_is_named():
    W = teacher(3)
    with pytest.raises(ValueError, match="order must list the columns"):
        basins.permuted(W, [0, 0, 2])
    with pytest.raises(ValueError, match="order must list the columns"):
        basins.permuted(W, [0, 1])
    with pytest.raises(ValueError, match="d must be from 1 to 8"):
        basins.all_orders(9)
    with pytest.raises(ValueError, match="steps"):
        basins.destination(W[None], W, 0)
    with pytest.raises(ValueError, match="starts"):
        basins.ends_at_random(W, [0.1], 0, 10, generator())
    with pytest.raises(TypeError, match="generator"):
        basins.ends_at_random(W, [0.1], 1, 10, None)
    with pytest.raises(ValueError, match="starts"):
        basins.switch_columns(3, 4, generator())
    with pytest.raises(TypeError, match="generator"):
        basins.switch_columns(3, 5, 0)
    with pytest.raises(ValueError, match=r"W must be one \[d, d\] matrix with d >= 2"):
        basins.exchange_columns(torch.zeros(1, 1), torch.zeros(2, 1))
