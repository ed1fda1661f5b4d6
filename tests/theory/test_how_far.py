"""How far the region of arrival reaches: pairs are what they claim, outcomes are told apart, maps are read right."""

import itertools
import math

import numpy as np
import pytest
import torch

from src.dynamics import flow
from src.model import landscape, population
from src.runs import recorded
from src.theory import arrivals, how_far, minima, vanishing
from src.theory.how_far import COPY, HOME, MOVING, REST, ZERO


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def norm(W):
    return torch.linalg.matrix_norm(W, 2)


WORST = tuple(0.6 * torch.eye(5, dtype=torch.float64)[[1, 0, 2, 3, 4]] * sign for sign in (1, -1))


@pytest.mark.parametrize("kind", how_far.KINDS)
@pytest.mark.parametrize("d", [5, 8])
def test_pairs_have_the_norm_and_repeat(kind, d):
    made = how_far.pairs(kind, d, 0.6, 9, WORST, generator(1))
    assert made.shape == (2, 9, d, d)
    torch.testing.assert_close(norm(made), torch.full((2, 9), 0.6, dtype=torch.float64), rtol=1e-12, atol=0)
    assert torch.equal(made, how_far.pairs(kind, d, 0.6, 9, WORST, generator(1)))
    with pytest.raises(ValueError, match="kind"):
        how_far.pairs("kind", d, 0.6, 9, WORST, generator(1))


def test_flat_pairs_are_orthogonal_up_to_size_and_gaussian_ones_are_not():
    flat = how_far.pairs("flat", 6, 0.5, 2, WORST, generator())
    torch.testing.assert_close(flat @ flat.mT, (0.25 * torch.eye(6, dtype=torch.float64)).expand_as(flat))
    gaussian = how_far.pairs("Gaussian", 6, 0.5, 2, WORST, generator())
    assert (gaussian @ gaussian.mT - 0.25 * torch.eye(6, dtype=torch.float64)).norm() > 0.1


@pytest.mark.parametrize("family", how_far.FAMILIES)
def test_adversarial_pairs_are_their_families(family):
    d, gamma = 7, 0.6
    W, W_star = how_far.adversarial_pair(family, d, gamma, WORST, generator(2))
    assert norm(W) == pytest.approx(gamma) and norm(W_star) == pytest.approx(gamma)
    if family in how_far.FAMILIES[:5]:
        assert torch.equal(W, -W_star)
    J = torch.ones(d, d, dtype=torch.float64)
    eye = torch.eye(d, dtype=torch.float64)
    if family == "±uuᵀ/d":
        torch.testing.assert_close(W.abs(), gamma * J / d)
    elif family in ("±I", "signs"):
        torch.testing.assert_close(W.abs(), gamma * eye)
    elif family == "skew":
        torch.testing.assert_close(W, -W.mT)
    elif family == "−aI ± bK":
        torch.testing.assert_close((W + W_star) / 2, -(gamma**2) * eye)  # K u = 0 for odd d
        torch.testing.assert_close(W.mT, W_star)
    elif family == "searched":
        assert W[5:].norm() == 0 and torch.equal(W[:5, :5], WORST[0])


def test_an_unknown_family_is_named():
    with pytest.raises(ValueError, match="family"):
        how_far.adversarial_pair("unknown", 5, 0.1, WORST, generator())


@pytest.mark.parametrize("d", [3, 6])
@pytest.mark.parametrize("gamma", [0.3, 0.8, 0.95])
def test_the_three_cycle_turns_its_plane_by_opposite_angles(d, gamma):
    K, plane = how_far.three_cycle(d)
    torch.testing.assert_close(K @ K, -plane)
    torch.testing.assert_close(plane @ plane, plane)
    assert plane.trace() == pytest.approx(2) and torch.equal(K, -K.mT)
    W, W_star = how_far.opposite_turns(gamma, K, plane)
    assert norm(W) == pytest.approx(gamma) and torch.equal(W, W_star.mT)
    theta = min(math.asin(gamma), math.pi / 3)
    length = math.sqrt((1 - min(gamma**2, 0.75)) ** 2 + gamma**2 - min(gamma**2, 0.75) ** 2)
    if gamma < 0.866:
        turn = (torch.eye(d, dtype=torch.float64) + W) @ plane
        torch.testing.assert_close(turn, length * (math.cos(theta) * plane + math.sin(theta) * K))
    both = how_far.turned_cycles(d, [0.2, gamma])
    assert torch.equal(both[:, 1], torch.stack((W, W_star)))
    with pytest.raises(ValueError, match="d must"):
        how_far.three_cycle(2)


@pytest.mark.parametrize("gamma", [0.55, 0.8])
def test_the_symmetries_of_the_proof_keep_the_flow_on_its_side(gamma):
    """The mirror in the line at 60 degrees from the teacher maps gradients to gradients."""
    K, plane = how_far.three_cycle(4)
    _, W_star = how_far.opposite_turns(gamma, K, plane)
    eye, theta = torch.eye(4, dtype=torch.float64), math.asin(gamma)

    def student(z):
        return z.real * plane + z.imag * K - plane  # I + W is z on the plane

    def coordinate(X):
        return complex((X * plane).sum() / 2, (X * K).sum() / 2)

    along = np.exp(1j * (-theta + math.pi / 3))  # 60 degrees from the teacher's direction
    for z in (0.3 + 0.9j, 0.8 - 0.1j):
        slope = coordinate(population.gradient(student(z), W_star))
        mirrored = along**2 * np.conj(z)
        assert coordinate(population.gradient(student(mirrored), W_star)) == pytest.approx(along**2 * np.conj(slope))
        gradient = population.gradient(student(z), W_star)
        # and the path stays in the family: a multiplication on the plane, no coupling with the rest
        assert (gradient @ plane - slope.real * plane - slope.imag * K).norm() < 1e-12
        assert (plane @ gradient @ (eye - plane)).norm() < 1e-12
    teacher = student(np.cos(theta) * np.exp(-1j * theta))
    torch.testing.assert_close(teacher, W_star)


def test_follow_tells_the_outcomes_apart():
    zero = torch.zeros(3, 3, dtype=torch.float64)
    eye = torch.eye(3, dtype=torch.float64)
    near = 0.05 * torch.randn(3, 3, generator=generator(), dtype=torch.float64)
    copy = eye[:, [1, 0, 2]] - eye + near
    ridge = how_far.turned_cycles(3, (0.5,))[:, 0]
    W, W_star = torch.stack([near, copy, ridge[0]]), torch.stack([zero, zero, ridge[1]])
    end, outcome = how_far.follow(W, W_star, 60.0)
    assert outcome.tolist() == [HOME, COPY, REST]
    assert (end[0] - zero).norm() <= 0.01 * near.norm()
    assert population.gradient(end[2], W_star[2]).norm() <= how_far.AT_REST * (W[2] - W_star[2]).norm()
    assert population.loss(end[2], W_star[2]) > 1e-3
    assert how_far.follow(W, W_star, 0.5)[1].tolist() == [MOVING] * 3
    with pytest.raises(ValueError, match="t_end"):
        how_far.follow(W, W_star, -1.0)


@pytest.mark.parametrize(("gamma", "outcome"), [(0.39, HOME), (0.43, ZERO)])
def test_a_descent_watches_its_columns_unless_they_may_jump(gamma, outcome):
    W, W_star = (X[None] for X in vanishing.pair(20, gamma))
    end, found = how_far.follow(W, W_star, 60.0)
    assert found.tolist() == [outcome]
    shortest = (torch.eye(20, dtype=torch.float64) + end).norm(dim=-2).min()
    assert (shortest <= flow.SHORTEST) == (outcome == ZERO)
    assert how_far.follow(W, W_star, 60.0, over_zero=True)[1].tolist() == [HOME if outcome == HOME else REST]


def test_no_step_moves_a_column_by_more_than_half_its_length(monkeypatch):
    """At the start of the vanishing family the first column is short, and the gradient is large."""
    W, W_star = (X[None] for X in vanishing.pair(20, 0.6))
    visited, right = [W], population.loss_and_gradient
    monkeypatch.setattr(population, "loss_and_gradient", lambda X, Y: (visited.append(X.clone()), right(X, Y))[1])
    how_far.follow(W, W_star, 1.0)
    eye = torch.eye(20, dtype=torch.float64)
    for one, two in itertools.pairwise(visited[1:]):
        assert ((two - one).norm(dim=-2) <= (0.5 + 1e-12) * (eye + one).norm(dim=-2)).all()


def test_descent_never_raises_the_loss_and_ends_where_the_flow_does():
    W, W_star = how_far.pairs("Gaussian", 5, 0.8, 3, WORST, generator(3))
    end, outcome = how_far.follow(W, W_star, 100.0)
    assert (population.loss(end, W_star) <= population.loss(W, W_star)).all()
    assert (outcome == HOME).tolist() == (flow.integrate(W, W_star, 100.0).distance[-1] < 0.1).tolist()


def made_up():
    """Two maps, one kind and dimension each cell: outcomes of two runs at gamma 0.1, 0.3, 0.6."""
    first = np.zeros((3, 1, 3, 2), dtype=np.int8)
    first[2, 0, 2] = [COPY, MOVING]
    ratio = np.ones(first.shape)
    ratio[2, 0, 1:] = -0.1
    second = np.zeros((3, 2, 1, 2), dtype=np.int8)
    second[0, 0, 0, 0] = MOVING
    one = how_far.Map(np.array([5]), np.array([0.1, 0.3, 0.6]), first, ratio)
    return one, how_far.Map(np.array([5, 10]), np.array([0.5]), second, np.ones(second.shape))


def test_maps_are_read_together():
    maps = made_up()
    assert arrivals.smallest_gamma(maps, (COPY, REST)) == 0.6
    assert arrivals.smallest_gamma(maps, (MOVING,)) == 0.5
    assert arrivals.smallest_gamma(maps, (MOVING,), [2]) == 0.6
    assert arrivals.smallest_gamma(maps, (REST,)) == math.inf
    assert arrivals.room(maps) == arrivals.Room(
        not_home=0.5, elsewhere=0.6, safe=12, safe_adversarial=4, last_safe=0.3, wrong_way=4, wrong_way_home=2
    )
    np.testing.assert_array_equal(maps[0].share[:, 0], [[1, 1, 1], [1, 1, 1], [1, 1, 0]])
    assert maps[0].below(0.3).tolist() == [2, 2, 2]


SIZE = {"runs": 3, "search_starts": 2, "search_steps": 3}


def test_a_map_is_reproducible_and_comes_back_from_its_recording(tmp_path):
    size = {"dims": [5], "gammas": [0.1, 1.0], "t_end": 60.0, **SIZE}
    one = how_far.make_map(**size, seed=4)
    assert one.outcomes.shape == (3, 1, 2, 3) and (one.outcomes[:, :, 0] == HOME).all()
    how_far.record(4, folder=tmp_path, workers=0, **size)
    assert [path.name for path in tmp_path.iterdir()] == ["how_far.npz"]
    recording = recorded.load("how_far", tmp_path)
    assert (recording.provenance["parameters"], recording.provenance["seeds"]) == (size, [4])
    for name, values in how_far.Map(**recording.arrays)._asdict().items():
        np.testing.assert_array_equal(values, getattr(one, name))
        assert values.dtype == getattr(one, name).dtype


def test_a_cell_does_not_depend_on_the_others(tmp_path):
    alone = how_far.make_map([6], [0.7], t_end=20.0, seed=4, **SIZE)
    among = how_far.make_map([5, 6], [0.4, 0.7], t_end=20.0, seed=4, folder=tmp_path, **SIZE)
    for name in ("outcomes", "first_ratio"):
        np.testing.assert_array_equal(getattr(alone, name)[:, 0, 0], getattr(among, name)[:, 1, 1])
    assert not np.array_equal(among.first_ratio[:, 0, 0], among.first_ratio[:, 0, 1])


def test_cells_are_drawn_from_streams_of_their_own():
    pairs = [
        how_far.drawn(d, gamma, **SIZE, seed=seed)[0, 0, 0]
        for d, gamma, seed in ((5, 0.2, 1), (5, 0.3, 1), (5, 0.2, 2))
    ]
    directions = torch.stack([W / W.norm() for W in pairs])
    assert (directions @ directions.mT - torch.eye(3, dtype=torch.float64)).abs().max() < 0.999


def test_the_worst_pair_is_the_searched_one_and_has_its_norm():
    worst = how_far.worst_pair(0.4, 2, 5, 1)
    assert norm(torch.stack(worst)).max() <= 0.4 + 1e-12
    random = how_far.pairs("Gaussian", 5, 0.4, 20, worst, generator())
    assert landscape.one_point_ratio(*worst) < landscape.one_point_ratio(*random).min()


def test_first_ratios_belong_to_their_cells():
    one = how_far.make_map([5, 7], [0.2, 0.6], t_end=1.0, seed=5, **SIZE)
    for m, d in enumerate((5, 7)):
        for n, gamma in enumerate((0.2, 0.6)):
            W, W_star = how_far.drawn(d, gamma, **SIZE, seed=5)
            assert norm(W) == pytest.approx(gamma * np.ones(9))
            np.testing.assert_allclose(
                one.first_ratio[:, m, n].ravel(), landscape.one_point_ratio(W, W_star), rtol=1e-12
            )


def test_the_recorded_map_has_no_failure_below_0_46():
    one = how_far.Map(**recorded.load("how_far").arrays)
    assert arrivals.smallest_gamma([one], (COPY, REST, MOVING)) == pytest.approx(0.46)


def test_a_planted_error_in_the_gradient_shows_on_the_map(monkeypatch):
    right = population.loss_and_gradient

    def uphill(W, W_star):
        loss, gradient = right(W, W_star)
        return loss, -gradient

    monkeypatch.setattr(population, "loss_and_gradient", uphill)
    W, W_star = how_far.pairs("Gaussian", 5, 0.1, 2, WORST, generator())
    assert (how_far.follow(W, W_star, 5.0)[1] == MOVING).all()


def test_ex_how_far_ridge():
    W, W_star = how_far.turned_cycles(3, (0.5,))
    end, outcome = how_far.follow(W, W_star, 100.0)
    assert outcome.tolist() == [REST]
    assert f"{population.loss(end, W_star).item():.3f}" == "0.037"
    assert f"{((end - W_star).norm() / (W - W_star).norm()).item():.2f}" == "0.99"
    assert f"{minima.lowest_curvature(end[0], W_star[0]):.2f}" == "-0.09"


def test_ex_how_far_cycles():
    def nearest(cycle):
        P = torch.eye(len(cycle), dtype=torch.float64)[:, cycle]
        return float((torch.linalg.eigvals(P).angle().abs().max() / 2).sin())

    assert nearest([1, 2, 3, 4, 0]) == pytest.approx(math.cos(math.radians(18))) == pytest.approx(0.951, abs=5e-4)
    assert nearest([1, 0]) == pytest.approx(1)
    every = [nearest(list(p)) for p in itertools.permutations(range(5)) if list(p) != list(range(5))]
    assert min(every) == pytest.approx(math.sqrt(3) / 2)
    # It is attained: a teacher with norm sqrt(3)/2 and a copy of the same norm.
    _, W_star = how_far.turned_cycles(3, (math.sqrt(3) / 2,))
    eye = torch.eye(3, dtype=torch.float64)
    copies = [(eye + W_star[0])[:, list(p)] - eye for p in itertools.permutations(range(3)) if list(p) != [0, 1, 2]]
    assert min(norm(copy) for copy in copies) == pytest.approx(math.sqrt(3) / 2)
