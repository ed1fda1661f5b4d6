"""Linear attention: the source's forward pass, exact losses against sampling, trainings, verdicts, planted errors."""

import math

import numpy as np
import pytest
import torch

from src import verdicts
from src.companions import attention_landscape, changed_inputs, in_context_descent, linear_attention, wishart
from src.companions.attention_landscape import Critical, Criticals, OneLayer, OneLayers, Pairs, TwoLayers

SIGMA = torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)
EYE = torch.eye(5, dtype=torch.float64)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=draws(seed), dtype=torch.float64)


def root(Sigma):
    return torch.linalg.cholesky(Sigma)


def sources_answer(P, Q, X, w, x):
    """The source's recursion, a column for the query and the mask M written out: minus the last entry."""
    d, n = X.shape
    Z = torch.cat((torch.cat((X, x[:, None]), 1), torch.cat((w @ X, torch.zeros(1).double()))[None]), 0)
    M = torch.eye(n + 1).double()
    M[n, n] = 0
    for P_l, Q_l in zip(P, Q):
        Z = Z + P_l @ Z @ M @ (Z.T @ Q_l @ Z) / n
    return -Z[d, n]


def test_the_loss_of_a_prompt_is_that_of_the_sources_recursion():
    """Averaged over the query: the error is linear in it, so its mean square is that of a quadratic form."""
    P, Q, X, w = 0.4 * normal(2, 3, 3), 0.4 * normal(2, 3, 3, seed=1), normal(2, 4, seed=2), normal(2, seed=3)
    errors = torch.stack([sources_answer(P, Q, X, w, e) - w @ e for e in torch.eye(2).double()])
    found = linear_attention.prompt_loss(P, Q, X[None], w[None], SIGMA)
    assert found.item() == pytest.approx((errors @ SIGMA @ errors).item())
    x = normal(2, seed=4)
    assert (sources_answer(P, Q, X, w, x) - w @ x).item() == pytest.approx((errors @ x).item())


def test_the_sparse_form_is_descent_step_by_step():
    """With B = 0 the transformer answers w_L . x of preconditioned descent on R from zero."""
    A, X, w, x = 0.3 * normal(3, 2, 2), normal(2, 6, seed=1), normal(2, seed=2), normal(2, seed=3)
    A = (A + A.mT) / 2
    step = torch.zeros(2, dtype=torch.float64)
    for A_l in A:
        step = step - A_l @ X @ (X.T @ step - X.T @ w) / 6
    P, Q = linear_attention.padded(A, 0 * A)
    assert sources_answer(P, Q, X, w, x).item() == pytest.approx((step @ x).item())


def test_the_sparse_loss_is_the_mean_over_w():
    """A quadratic form in w: its mean over N(0, Sigma^-1) is the sum over columns of a root of Sigma^-1."""
    A, B, X = 0.3 * normal(2, 2, 2), 0.3 * normal(2, 2, 2, seed=1), normal(2, 5, seed=2)
    values, vectors = torch.linalg.eigh(SIGMA)
    whole = (vectors * values.sqrt()) @ vectors.T
    P, Q = linear_attention.padded(A, B)
    total = sum(
        linear_attention.prompt_loss(P, Q, (whole @ X)[None], w[None], SIGMA).item() for w in torch.linalg.inv(whole)
    )
    found = linear_attention.sparse_loss(A, B, (X @ X.T / 5)[None], SIGMA)
    assert found.item() == pytest.approx(total)


def test_multiples_of_the_inverse_covariance_have_the_loss_of_the_spectrum():
    steps, changes = [0.4, 0.9], [0.3]
    A, B = attention_landscape.family(SIGMA, steps, changes)
    S, weights = wishart.cubature(2, 6, 8)
    found = (weights @ linear_attention.sparse_loss(A, B, S, SIGMA)).item()
    rule = changed_inputs.exact_rule(2, 6, 2)
    assert found == pytest.approx(rule.weights @ changed_inputs.residual(rule.nodes, steps, changes) ** 2)
    plain = (weights @ linear_attention.sparse_loss(A, 0 * B, S, SIGMA)).item()
    assert plain == pytest.approx(in_context_descent.loss(2, 6, steps))
    wrong = (weights @ linear_attention.sparse_loss(SIGMA @ SIGMA @ A, 0 * B, S, SIGMA)).item()  # a_l Sigma instead
    assert abs(wrong / plain - 1) > 0.1


def test_the_exact_loss_of_one_layer_is_that_of_samples():
    P, Q, n, count = 0.5 * normal(3, 3), 0.5 * normal(3, 3, seed=1), 6, 200_000
    X, w = root(SIGMA) @ normal(count, 2, n, seed=2), normal(count, 2, seed=3)
    sampled = linear_attention.prompt_loss(P[None], Q[None], X, w, SIGMA)
    exact = attention_landscape.one_layer_loss(P, Q, SIGMA, n).item()
    assert abs(sampled.mean().item() - exact) < 4 * sampled.std().item() / math.sqrt(count)
    gauge = attention_landscape.one_layer_loss(3 * P, Q / 3, SIGMA, n).item()
    assert gauge == pytest.approx(exact)


def test_the_exact_loss_at_the_theorems_point_is_the_least_loss():
    for n, C in ((3, SIGMA), (1, SIGMA), (20, torch.diag(torch.tensor([1.0, 0.0, 2.0])).double())):
        evidence = attention_landscape.one_layer(C, n, 6, 1)
        assert evidence.at == pytest.approx(in_context_descent.least_of_one(C, n))
        assert OneLayers((evidence,)).verdict == verdicts.HOLDS


ONE = OneLayer(1.0, 0.0, 1.0, (1.0, 1.5))


@pytest.mark.parametrize(
    "change", [{"least": 1.001}, {"slope": 1e-6}, {"at": 1.001}, {"found": (0.999, 1.0)}, {"found": (1.5, 1.2)}]
)
def test_each_field_of_one_layer_counts(change):
    assert OneLayers((ONE, ONE)).verdict == verdicts.HOLDS
    assert OneLayers((ONE, ONE._replace(**change))).verdict == verdicts.FAILS


PRECONDITIONER = in_context_descent.preconditioner
PLANTED = {
    "n in place of n + 1": lambda C, n: torch.linalg.inv(C + torch.trace(C) / n * torch.eye(len(C)).double()),
    "the trace forgotten": lambda C, n: torch.linalg.inv((1 + 1 / n) * C),
    "one example fewer": lambda C, n: PRECONDITIONER(C, n - 1),
    "the sign": lambda C, n: -PRECONDITIONER(C, n),
    "Sigma in place of its inverse": lambda C, n: torch.linalg.inv(PRECONDITIONER(C, n)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_preconditioner_overturns_the_theorem(monkeypatch, name):
    monkeypatch.setattr(in_context_descent, "preconditioner", PLANTED[name])
    assert OneLayers((attention_landscape.one_layer(SIGMA, 20, 1, 0),)).verdict == verdicts.FAILS


@pytest.mark.parametrize("name", ["the trace forgotten", "the sign", "Sigma in place of its inverse"])
def test_a_wrong_preconditioner_overturns_what_adapts(monkeypatch, name):
    monkeypatch.setattr(in_context_descent, "preconditioner", PLANTED[name])
    assert in_context_descent.adapts(SIGMA, 20).verdict == verdicts.FAILS


# --- Two layers and critical points ----------------------------------------------------------------------------------

TWO = TwoLayers(2, 3, 1.0, {"diagonal": (1.0, 1.3), "symmetric": (1.0, 1.2), "any": (1.0,)})


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ({"symmetric": (0.99, 1.0)}, verdicts.FAILS),  # a symmetric pair below the diagonal ones
        ({"symmetric": (1.1, 1.2)}, verdicts.FAILS),  # a search that finds nothing
        ({"symmetric": (0.9,), "diagonal": (0.9,)}, verdicts.HOLDS),  # a diagonal pair that has no multiples of I
        ({"any": (0.5,)}, verdicts.HOLDS),  # not what the theorem is about
    ],
)
def test_what_turns_the_verdict_on_pairs(ends, verdict):
    assert Pairs((TWO,)).verdict == verdicts.HOLDS
    assert Pairs((TWO, TWO._replace(ends=TWO.ends | ends))).verdict == verdict


def test_a_cubature_for_one_example_fewer_overturns_the_verdict_on_pairs(monkeypatch):
    right = wishart.cubature
    assert Pairs((attention_landscape.two_layers(2, 6, 2, 0),)).verdict == verdicts.HOLDS
    monkeypatch.setattr(wishart, "cubature", lambda d, n, degree: right(d, n - 1, degree))
    assert Pairs((attention_landscape.two_layers(2, 6, 2, 0),)).verdict == verdicts.FAILS


POINT = Critical(1e-12, 0.1, 1.0)


@pytest.mark.parametrize("change", [{"slope": 1e-3}, {"beside": 1e-12}, {"beside": 1e-8}, {"loss": 1e6}])
def test_each_field_of_a_critical_point_counts(change):
    assert Criticals((POINT, POINT)).verdict == verdicts.HOLDS
    assert Criticals((POINT, POINT._replace(**change))).verdict == verdicts.FAILS


@pytest.mark.parametrize("plus", [False, True])
def test_the_gradient_in_all_entries_vanishes(plus):
    assert Criticals((attention_landscape.critical(SIGMA, 6, 2, plus),)).verdict == verdicts.HOLDS


@pytest.mark.parametrize("plus", [False, True])
def test_sigma_in_place_of_its_inverse_is_not_critical(monkeypatch, plus):
    right = attention_landscape.family
    monkeypatch.setattr(attention_landscape, "family", lambda C, a, b: right(torch.linalg.inv(C), a, b))
    assert Criticals((attention_landscape.critical(SIGMA, 6, 2, plus),)).verdict == verdicts.FAILS


def test_steps_for_one_example_fewer_are_not_critical(monkeypatch):
    right = in_context_descent.step_sizes
    monkeypatch.setattr(in_context_descent, "step_sizes", lambda d, n, depth: right(d, n - 1, depth))
    assert Criticals((attention_landscape.critical(SIGMA, 20, 2, False),)).verdict == verdicts.FAILS


def test_ex_ahn_all():
    """The derivative of the loss in the lower right entry of Q_2, by its formula and by autograd, is not zero."""
    d, n, count = 5, 20, 20_000
    a = in_context_descent.step_sizes(d, n, 2)
    A = torch.tensor(a)[:, None, None] * EYE
    P, Q = linear_attention.padded(A, 0 * A)
    X, w = normal(count, d, n), normal(count, d, seed=1)

    def loss(e):
        changed = Q.clone()
        changed[1, -1, -1] = e
        return linear_attention.prompt_loss(P, changed, X, w, EYE)

    each = (loss(1e-4) - loss(-1e-4)) / 2e-4
    S = wishart.draw(d, n, count, draws(2))
    p, q = (EYE - a[0] * S) @ (EYE - a[1] * S), (EYE - a[0] * S) @ (EYE - a[0] * S) @ S
    trace = lambda M: M.diagonal(dim1=1, dim2=2).sum(1)  # noqa: E731
    formula = -2 * a[0] * (trace(p @ S) * trace(q) + 2 * trace(p @ S @ q))
    spread = math.hypot(each.std().item(), formula.std().item()) / math.sqrt(count)
    assert abs(each.mean().item() - formula.mean().item()) < 4 * spread
    assert formula.mean().item() < -5 * formula.std().item() / math.sqrt(count)


# --- Trainings -------------------------------------------------------------------------------------------------------


def test_a_trained_layer_finds_the_preconditioner():
    Sigma = torch.diag(torch.tensor([1.0, 0.5, 1.0, 1.0])).double()
    made = linear_attention.train_full(Sigma, 10, [0, 1], 150, 100, 0.1, 20_000)
    least = in_context_descent.least_of_one(Sigma, 10)
    assert (abs(made.losses - least) < 4 * made.errors + 0.01 * least).all()
    right = in_context_descent.preconditioner(Sigma, 10).numpy()
    assert np.abs(linear_attention.learned(made) - right).max() < 0.1
    again = linear_attention.train_full(Sigma, 10, [1], 150, 100, 0.1, 20)
    np.testing.assert_allclose(again.P[0], made.P[1], rtol=1e-6, atol=1e-9)


def test_in_two_dimensions_training_can_end_in_another_minimum():
    """There the last row of P sees the inputs in place of the outputs."""
    made = linear_attention.train_full(SIGMA, 10, [0, 1], 150, 100, 0.1, 20_000)
    assert (made.losses > 1.5 * in_context_descent.least_of_one(SIGMA, 10)).all()
    assert (np.abs(made.P[:, 0, -1, :2]).max(1) > 2 * np.abs(made.P[:, 0, -1, 2])).all()


def test_trained_layers_find_the_roots_in_some_order():
    made = linear_attention.train_sparse(EYE, 20, 3, [0, 1], 300, 100, 0.05, 20_000)
    steps = np.diagonal(made.Q, axis1=-1, axis2=-2).mean(-1)
    np.testing.assert_allclose(np.sort(steps, axis=1), [in_context_descent.step_sizes(5, 20, 3)] * 2, rtol=0.05)
    least = in_context_descent.loss(5, 20, in_context_descent.step_sizes(5, 20, 3))
    assert (abs(made.losses - least) < 0.1 * least).all() and not made.P.any()
    assert linear_attention.off_multiples(made).max() < 0.1


def test_how_far_from_multiples_of_the_identity():
    """Against the angle between A and I: its sine."""
    A = normal(2, 3, 4, 4).numpy()
    cosine = np.trace(A, axis1=-2, axis2=-1) / (2 * np.sqrt((A**2).sum((-2, -1))))
    found = linear_attention.off_multiples(linear_attention.Trained(0 * A, A, np.ones(2), np.ones(2)))
    np.testing.assert_allclose(found, np.sqrt(1 - cosine**2))


def test_trainings_are_recorded_and_read_back(tmp_path):
    made = linear_attention.record([0, 1], folder=tmp_path, n=20, steps=2, batch=10, fresh=50)
    stored, again = linear_attention.recording(20, tmp_path)
    assert stored.provenance["seeds"] == [0, 1] and set(again) == set(linear_attention.KINDS)
    for kind, one in made.items():
        for before, after in zip(one, again[kind], strict=True):
            np.testing.assert_array_equal(before, after)
    assert linear_attention.recording(20, tmp_path / "nowhere") is None
    assert linear_attention.recording(10, tmp_path) is None  # another n


def test_what_does_not_fit_is_refused():
    X, w, P = normal(3, 2, 4), normal(3, 2), normal(1, 3, 3)
    with pytest.raises(ValueError, match=r"w must be of shape \[3, 2\]"):
        linear_attention.prompt_loss(P, P, X, w[:2], SIGMA)
    with pytest.raises(ValueError, match=r"Q must be of shape \[1, 3, 3\]"):
        linear_attention.prompt_loss(P, normal(2, 3, 3), X, w, SIGMA)
    singular = torch.diag(torch.tensor([1.0, 0.0])).double()
    for call in (
        lambda: linear_attention.sparse_loss(P[:, :2, :2], P[:, :2, :2], X @ X.mT, singular),
        lambda: linear_attention.train_sparse(singular, 5, 2, [0], 1, 2, 0.1, 2),
        lambda: attention_landscape.critical(singular, 5, 2, False),
        lambda: in_context_descent.best_multiple(singular, 5),
        lambda: in_context_descent.adapts(singular, 5),
    ):
        with pytest.raises(ValueError, match="Sigma must be invertible"):
            call()
    for depth in (0, -1):
        with pytest.raises(ValueError, match="depth must be from 1"):
            linear_attention.train_sparse(SIGMA, 5, depth, [0], 1, 2, 0.1, 2)
