"""The exact loss, gradient and Hessian products of src.population, doubted from several independent sides."""

import math
import subprocess
import sys
import time

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.model import population

mpmath.mp.dps = 60
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")


def draw(*shape, seed=0, size=0.5, dtype=torch.float64, device="cpu"):
    """Gaussian weights [..., d, d] with spectral norm about 2 * size."""
    generator = torch.Generator().manual_seed(seed)
    return (size / shape[-1] ** 0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(device, dtype)


def difference(value, reference):
    """Norm of the difference, relative to the reference's."""
    value, reference = (torch.as_tensor(v, dtype=torch.float64) for v in (value, reference))
    return float((value - reference).norm() / reference.norm())


@st.composite
def pairs(draw_from):
    """A pair (W, W*), from tiny to large weights."""
    d, size = draw_from(st.integers(1, 6)), draw_from(st.sampled_from([0.01, 0.3, 1.0, 5.0]))
    seed = draw_from(st.integers(0, 10**6))
    return draw(d, d, seed=seed, size=size), draw(d, d, seed=seed + 1, size=size)


# Against the textbook formulas in 60-digit arithmetic.


def in_60_digits(W, W_star):
    """(loss, gradient) from the plain sums over pairs of columns, evaluated with mpmath and rounded at the end."""
    d = W.shape[0]
    A = [[mpmath.mpf(W[k, j].item()) + (k == j) for k in range(d)] for j in range(d)]
    B = [[mpmath.mpf(W_star[k, j].item()) + (k == j) for k in range(d)] for j in range(d)]
    columns = A + B
    norm = [mpmath.sqrt(mpmath.fdot(c, c)) for c in columns]
    sign = [1] * d + [-1] * d
    pi = mpmath.pi
    loss, gradient = mpmath.mpf(0), torch.zeros(d, d, dtype=torch.float64)
    for q in range(2 * d):
        column = [mpmath.mpf(0)] * d
        for p in range(2 * d):
            cos = mpmath.fdot(columns[p], columns[q]) / (norm[p] * norm[q]) if p != q else mpmath.mpf(1)
            theta = mpmath.acos(max(-1, min(1, cos)))
            sin = mpmath.sin(theta)
            loss += sign[p] * sign[q] * norm[p] * norm[q] * (sin + (pi - theta) * cos) / (2 * pi)
            radial = norm[p] * sin / norm[q]
            column = [
                c + sign[p] * ((pi - theta) * x + radial * y) / pi for c, x, y in zip(column, columns[p], columns[q])
            ]
        if q < d:
            gradient[:, q] = torch.tensor([float(c) for c in column], dtype=torch.float64)
    return float(loss), gradient


@pytest.mark.parametrize("size", [0.0, 0.1, 0.5])
def test_accuracy_close_to_the_teacher(size):
    W_star = draw(20, 20, seed=1, size=size)
    step = draw(20, 20, seed=2)
    W = W_star + 1e-5 * step / step.norm()
    loss, gradient = in_60_digits(W, W_star)
    assert difference(population.loss(W, W_star), loss) < 1e-6
    assert difference(population.gradient(W, W_star), gradient) < 1e-6


@pytest.mark.parametrize("size", [0.05, 0.5, 3.0])
def test_accuracy_for_generic_weights(size):
    W, W_star = draw(20, 20, seed=3, size=size), draw(20, 20, seed=4, size=size)
    loss, gradient = in_60_digits(W, W_star)
    assert difference(population.loss(W, W_star), loss) < 1e-10
    assert difference(population.gradient(W, W_star), gradient) < 1e-10


@pytest.mark.parametrize("factor", [1.0, 3.0, -1.0, -0.5])
def test_parallel_and_opposite_columns(factor):
    W, W_star = draw(4, 4, seed=5), draw(4, 4, seed=6)
    A = torch.eye(4, dtype=torch.float64) + W
    A[:, 1] = factor * A[:, 0]
    W = A - torch.eye(4, dtype=torch.float64)
    W_star[:, 2] = 2 * A[:, 3]  # and a teacher's column parallel to a student's
    W_star[2, 2] -= 1
    loss, gradient = in_60_digits(W, W_star)
    assert difference(population.loss(W, W_star), loss) < 1e-10
    assert difference(population.gradient(W, W_star), gradient) < 1e-10
    assert difference(population.lemma_2_1(W, W_star), -math.pi * gradient) < 1e-10
    assert torch.isfinite(population.hessian_product(W, W_star, draw(4, 4, seed=7))).all()


# Against Gaussian samples.


def test_monte_carlo():
    W, W_star, n = draw(5, 5, seed=8), draw(5, 5, seed=9), 400_000
    eye = torch.eye(5, dtype=torch.float64)
    x = torch.randn(n, 5, generator=torch.Generator().manual_seed(10), dtype=torch.float64)
    hidden = x @ (eye + W)
    residual = hidden.relu().sum(1) - (x @ (eye + W_star)).relu().sum(1)
    squares = residual.square()
    gradients = 2 * residual[:, None, None] * x[:, :, None] * (hidden > 0)[:, None, :]
    z_loss = (squares.mean() - population.loss(W, W_star)) / (squares.std() / n**0.5)
    z = (gradients.mean(0) - population.gradient(W, W_star)) / (gradients.std(0) / n**0.5)
    assert abs(z_loss) < 4
    assert z.abs().max() < 4.5
    # The 25 entries share their samples, so the mean of z^2 scatters more than that of independent normals.
    assert 0.2 < z.square().mean() < 3


# By hand.


@pytest.mark.parametrize("w, w_star", [(0.3, -0.2), (-0.4, 1.0), (-2.5, 0.5), (0.5, -3.0), (-2.0, -1.5)])
def test_one_dimension_by_hand(w, w_star):
    """ReLU(ax) - ReLU(bx) is (a - b) ReLU(x) for a, b > 0, and a ReLU(x) - |b| ReLU(-x) for opposite signs."""
    a, b = 1 + w, 1 + w_star
    loss, gradient = ((a - b) ** 2 / 2, a - b) if a * b > 0 else ((a**2 + b**2) / 2, a)
    W, W_star = torch.tensor([[w]], dtype=torch.float64), torch.tensor([[w_star]], dtype=torch.float64)
    assert population.loss(W, W_star).item() == pytest.approx(loss, rel=1e-14)
    assert population.gradient(W, W_star).item() == pytest.approx(gradient, rel=1e-14)
    assert population.lemma_2_1(W, W_star).item() == pytest.approx(-math.pi * gradient, rel=1e-14)


def test_orthogonal_columns_by_hand():
    """W = cI, W* = 0: L = c^2 Var(f) + c^2 E(f)^2 with f = sum of ReLU(x_i), E f = d / sqrt(2 pi)."""
    d, c = 7, 0.25
    W, W_star = c * torch.eye(d, dtype=torch.float64), torch.zeros(d, d, dtype=torch.float64)
    second_moment = d / 2 + d * (d - 1) / (2 * math.pi)
    assert population.loss(W, W_star).item() == pytest.approx(c**2 * second_moment, rel=1e-13)


@given(pairs())
@settings(max_examples=30, deadline=None)
def test_nothing_to_learn_at_the_teacher(pair):
    W, _ = pair
    scale = (torch.eye(len(W)) + W).norm()
    assert population.loss(W, W).item() == 0
    assert population.gradient(W, W).norm() <= 1e-14 * len(W) * scale
    assert population.lemma_2_1(W, W).norm() <= 1e-13 * len(W) * scale


# Properties that any right formula has.


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_student_and_teacher_may_be_swapped_in_the_loss(pair):
    W, W_star = pair
    assert difference(population.loss(W, W_star), population.loss(W_star, W)) < 1e-10


@given(pairs(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_relabelling_the_inputs_and_neurons(pair, random):
    W, W_star = pair
    order = list(range(len(W)))
    random.shuffle(order)
    P = torch.eye(len(W), dtype=torch.float64)[order]
    permuted = [P @ V @ P.T for V in pair]
    assert difference(population.loss(*permuted), population.loss(W, W_star)) < 1e-10
    assert difference(population.gradient(*permuted), P @ population.gradient(W, W_star) @ P.T) < 1e-10


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_rotating_the_inputs(pair):
    """x and Q x have the same distribution: I + W -> Q (I + W) leaves the loss and turns the gradient."""
    d = len(pair[0])
    eye = torch.eye(d, dtype=torch.float64)
    Q = torch.linalg.qr(draw(d, d, seed=11))[0]
    turned = [Q @ (eye + V) - eye for V in pair]
    assert difference(population.loss(*turned), population.loss(*pair)) < 1e-10
    assert difference(population.gradient(*turned), Q @ population.gradient(*pair)) < 1e-10


@given(pairs(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_a_teacher_with_its_columns_permuted_is_the_same_function(pair, random):
    W, W_star = pair
    eye = torch.eye(len(W), dtype=torch.float64)
    order = list(range(len(W)))
    random.shuffle(order)
    other = (eye + W_star)[:, order] - eye
    assert difference(population.loss(W, other), population.loss(W, W_star)) < 1e-9
    assert difference(population.gradient(W, other), population.gradient(W, W_star)) < 1e-9


@given(pairs(), st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_scaling_student_and_teacher(pair, c):
    """f is homogeneous of degree one in I + W: the loss scales with c^2 and the gradient with c."""
    eye = torch.eye(len(pair[0]), dtype=torch.float64)
    scaled = [c * (eye + V) - eye for V in pair]
    assert difference(population.loss(*scaled), c**2 * population.loss(*pair)) < 1e-9
    assert difference(population.gradient(*scaled), c * population.gradient(*pair)) < 1e-9


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_eulers_identity(pair):
    """L is quadratic along the ray c -> c (I + W), and a central difference of a quadratic is exact."""
    W, W_star = pair
    eye = torch.eye(len(W), dtype=torch.float64)
    more, less = (population.loss(c * (eye + W) - eye, W_star) for c in (1.5, 0.5))
    assert abs((population.gradient(W, W_star) * (eye + W)).sum() - (more - less)) < 1e-10 * (more + less)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_lemma_2_1_is_minus_pi_times_the_gradient(pair):
    W, W_star = pair
    assert difference(population.lemma_2_1(W, W_star), -math.pi * population.gradient(W, W_star)) < 1e-10


@given(pairs())
@settings(max_examples=30, deadline=None)
def test_loss_and_gradient_agrees(pair):
    loss, gradient = population.loss_and_gradient(*pair)
    assert difference(loss, population.loss(*pair)) < 1e-12
    assert difference(gradient, population.gradient(*pair)) < 1e-12


# Derivatives.


@pytest.mark.parametrize("d", [1, 2, 4])
def test_autograd(d):
    W, W_star = draw(d, d, seed=12).requires_grad_(), draw(d, d, seed=13).requires_grad_()
    assert torch.autograd.gradcheck(population.loss, (W, W_star))
    assert torch.autograd.gradgradcheck(population.loss, (W, W_star))
    assert torch.autograd.gradcheck(population.gradient, (W, W_star))


def test_autograd_in_batches():
    W, W_star = draw(2, 3, 3, seed=14).requires_grad_(), draw(3, 3, seed=15).requires_grad_()
    assert torch.autograd.gradcheck(population.loss, (W, W_star))
    assert torch.autograd.gradgradcheck(population.loss, (W, W_star))


def test_gradient_is_what_autograd_returns():
    W, W_star = draw(6, 6, seed=16).requires_grad_(), draw(6, 6, seed=17)
    (through_the_loss,) = torch.autograd.grad(population.loss(W, W_star), W)
    assert torch.equal(through_the_loss, population.gradient(W, W_star))


@pytest.mark.parametrize("at_the_teacher", [False, True])
def test_hessian_product(at_the_teacher):
    W_star, V, U = draw(5, 5, seed=18), draw(5, 5, seed=19), draw(5, 5, seed=20)
    W = W_star if at_the_teacher else draw(5, 5, seed=21)
    HV, h = population.hessian_product(W, W_star, V), 1e-5
    slope = (population.gradient(W + h * V, W_star) - population.gradient(W - h * V, W_star)) / (2 * h)
    # At W = W* the third derivative jumps, and central differences are of first order.
    assert difference(slope, HV) < (1e-4 if at_the_teacher else 1e-8)
    assert (U * HV).sum().item() == pytest.approx(
        (V * population.hessian_product(W, W_star, U)).sum().item(), rel=1e-12
    )
    if at_the_teacher:
        assert (V * HV).sum() > 0


def test_hessian_at_the_identity_by_hand():
    """At W = W* = 0 all angles are right: H V = (1/pi) [(pi/2) V (u u^T + I) + V^T + tr(V) I - 2 Diag(V)]."""
    d = 6
    V, zero, eye = draw(d, d, seed=22), torch.zeros(d, d, dtype=torch.float64), torch.eye(d, dtype=torch.float64)
    expected = math.pi / 2 * V @ (1 + eye) + V.T + V.trace() * eye - 2 * V.diagonal().diag()
    assert difference(population.hessian_product(zero, zero, V), expected / math.pi) < 1e-13


# Batches, dtypes, devices.


def test_a_batch_is_a_loop():
    W, W_star, V = draw(2, 3, 4, 4, seed=23), draw(3, 4, 4, seed=24), draw(2, 1, 4, 4, seed=25)
    loss, gradient = population.loss(W, W_star), population.gradient(W, W_star)
    printed, product = population.lemma_2_1(W, W_star), population.hessian_product(W, W_star, V)
    both = population.loss_and_gradient(W, W_star)
    assert loss.shape == (2, 3) and gradient.shape == printed.shape == product.shape == (2, 3, 4, 4)
    for i in range(2):
        for j in range(3):
            one = W[i, j], W_star[j]
            assert difference(loss[i, j], population.loss(*one)) < 1e-12
            assert difference(gradient[i, j], population.gradient(*one)) < 1e-12
            assert difference(printed[i, j], population.lemma_2_1(*one)) < 1e-12
            assert difference(product[i, j], population.hessian_product(*one, V[i, 0])) < 1e-12
            assert difference(both[0][i, j], loss[i, j]) < 1e-12
            assert difference(both[1][i, j], gradient[i, j]) < 1e-12


def test_teachers_may_broadcast_too():
    W, W_star = draw(4, 4, seed=26), draw(3, 4, 4, seed=27)
    assert population.loss(W, W_star).shape == (3,)
    assert population.gradient(W, W_star).shape == (3, 4, 4)


def test_more_columns_than_a_block():
    """The loss is summed in blocks of columns; a loop over single columns must agree."""
    d = 150
    W, W_star = draw(d, d, seed=28), draw(d, d, seed=29)
    eye = torch.eye(d, dtype=torch.float64)
    columns = torch.cat([eye + W, eye + W_star], 1)
    norm = columns.norm(dim=0)
    cos = (columns.T @ columns / norm / norm[:, None]).clamp(-1, 1)
    cos.diagonal().fill_(1)
    theta = cos.acos()
    sign = torch.cat([torch.ones(d), -torch.ones(d)]).double() * norm
    expected = sign @ (theta.sin() + (math.pi - theta) * cos) @ sign / (2 * math.pi)
    assert difference(population.loss(W, W_star), expected) < 1e-9


def test_float32_is_close_to_float64():
    W, W_star = draw(30, 30, seed=30), draw(30, 30, seed=31)
    single = W.float(), W_star.float()
    for function in (population.loss, population.gradient, population.lemma_2_1):
        value = function(*single)
        assert value.dtype == torch.float32
        assert difference(value, function(W, W_star)) < 1e-4
    V = draw(30, 30, seed=32)
    assert difference(population.hessian_product(*single, V.float()), population.hessian_product(W, W_star, V)) < 1e-4


def test_arguments_are_left_alone():
    W, W_star, V = draw(5, 5, seed=33), draw(5, 5, seed=34), draw(5, 5, seed=35)
    before = W.clone(), W_star.clone(), V.clone()
    population.loss(W, W_star), population.gradient(W, W_star), population.lemma_2_1(W, W_star)
    population.loss_and_gradient(W, W_star), population.hessian_product(W, W_star, V)
    assert all(torch.equal(x, y) for x, y in zip(before, (W, W_star, V)))


@cuda
def test_cuda_agrees_with_the_cpu():
    W, W_star, V = draw(3, 50, 50, seed=36), draw(50, 50, seed=37), draw(3, 50, 50, seed=38)
    on_gpu = [m.cuda() for m in (W, W_star, V)]
    for function in (population.loss, population.gradient, population.lemma_2_1):
        value = function(*on_gpu[:2])
        assert value.device.type == "cuda"
        assert difference(value.cpu(), function(W, W_star)) < 1e-10
    assert difference(population.hessian_product(*on_gpu).cpu(), population.hessian_product(W, W_star, V)) < 1e-10


@cuda
def test_cuda_and_cpu_do_not_mix():
    with pytest.raises(ValueError, match="W_star must be on the device of W"):
        population.loss(draw(3, 3).cuda(), draw(3, 3))


# Bad input.

GOOD = draw(3, 3, seed=39)
NAN, INFINITE, ZERO_COLUMN = GOOD.clone(), GOOD.clone(), GOOD.clone()
NAN[0, 1], INFINITE[2, 0] = math.nan, -math.inf
ZERO_COLUMN[:, 1] = torch.tensor([0.0, -1.0, 0.0])
BAD_W = {
    "a list": ([[0.0]], TypeError, "torch.Tensor"),
    "integers": (torch.zeros(3, 3, dtype=torch.int64), TypeError, "floating dtype"),
    "half precision": (GOOD.half(), TypeError, "floating dtype"),
    "complex": (GOOD.to(torch.complex128), TypeError, "floating dtype"),
    "a vector": (GOOD[0], ValueError, "square"),
    "not square": (GOOD[:2], ValueError, "square"),
    "empty": (GOOD[:0, :0], ValueError, "square"),
    "NaN": (NAN, ValueError, "finite"),
    "infinity": (INFINITE, ValueError, "finite"),
    "a zero column": (ZERO_COLUMN, ValueError, "column 1 of it is zero"),
}
FUNCTIONS = [
    population.loss,
    population.gradient,
    population.lemma_2_1,
    population.loss_and_gradient,
    lambda W, W_star: population.hessian_product(W, W_star, GOOD),
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bad, error, allowed", BAD_W.values(), ids=BAD_W.keys())
def test_bad_weights(function, bad, error, allowed):
    with pytest.raises(error, match=rf"\bW must .*{allowed}"):
        function(bad, GOOD)
    with pytest.raises(error, match=rf"\bW_star must .*{allowed}"):
        function(GOOD, bad)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_weights_of_different_kinds(function):
    with pytest.raises(TypeError, match=r"W_star must have the dtype of W, torch\.float64, not torch\.float32"):
        function(GOOD, GOOD.float())
    with pytest.raises(ValueError, match=r"W_star must have the dimension of W, d = 3, not d = 4"):
        function(GOOD, draw(4, 4))
    with pytest.raises(ValueError, match=r"W_star must have batch dimensions that broadcast"):
        function(draw(2, 3, 3), draw(5, 3, 3))


def test_weights_on_different_devices():
    class Elsewhere(torch.Tensor):  # stands for a tensor on a device that this machine lacks
        device = torch.device("cuda", 0)

    with pytest.raises(ValueError, match="W_star must be on the device of W"):
        population.loss(GOOD, GOOD.clone().as_subclass(Elsewhere))
    with pytest.raises(ValueError, match="W_star must be on a device that holds its entries, not on meta"):
        population.loss(GOOD, GOOD.to("meta"))


def test_a_zero_column_in_a_batch():
    with pytest.raises(ValueError, match="column 1 of it is zero"):
        population.gradient(torch.stack([GOOD, ZERO_COLUMN]), GOOD)


def test_bad_direction_of_a_hessian_product():
    with pytest.raises(ValueError, match="V must have the dimension of W"):
        population.hessian_product(GOOD, GOOD, draw(4, 4))
    with pytest.raises(ValueError, match="V must be finite"):
        population.hessian_product(GOOD, GOOD, NAN)
    with pytest.raises(TypeError, match="V must have the dtype of W"):
        population.hessian_product(GOOD, GOOD, GOOD.float())
    # V is a direction, not weights: a column -e_j is as good as any.
    assert torch.isfinite(population.hessian_product(GOOD, GOOD, ZERO_COLUMN)).all()


# Speed and memory.


@pytest.mark.stress
def test_gradient_costs_at_most_one_and_a_half_times_four_products():
    d = 1500
    W, W_star = draw(d, d, seed=40, size=0.1), draw(d, d, seed=41, size=0.1)

    def best(work):
        return min(_timed(work) for _ in range(5))

    def four_products():
        for _ in range(4):
            W @ W_star

    four_products(), population.gradient(W, W_star)
    assert best(lambda: population.gradient(W, W_star)) <= 1.5 * best(four_products)


def _timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.stress
@pytest.mark.parametrize("function", ["gradient", "loss"])
def test_peak_memory_stays_under_twelve_matrices(function):
    """In a process of its own: the resident set grows by less than twelve matrices, W and W* included."""
    d = 3000  # one matrix is 72 MB, large against what the interpreter itself allocates
    program = f"""
import resource, torch
from src.model import population
small = torch.zeros(50, 50, dtype=torch.float64)
population.{function}(small, small + 0.01)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
W, W_star = (0.1 / {d}**0.5 * torch.randn({d}, {d}, dtype=torch.float64) for _ in range(2))
population.{function}(W, W_star)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert grown * resource_unit() < 12 * d * d * 8


def resource_unit():
    """ru_maxrss counts bytes on macOS and kilobytes elsewhere."""
    return 1 if sys.platform == "darwin" else 1024
