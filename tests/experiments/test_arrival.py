"""What section 5.2 is judged by, in src.experiments.arrival: every number moves the verdict that rests on it."""

import numpy as np
import pytest
import torch

from src.dynamics import sgd
from src.experiments import arrival, figure_7, networks, regression
from src.verdicts import FAILS, HOLDS, UNDECIDED


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# --- who arrives

ARRIVED = arrival.Arrival(residual=2e-4, rate=0.07, vanilla=1.05, apart=0.014)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"residual": 0.011}, FAILS),
        ({"residual": 0.009}, HOLDS),
        ({"rate": -0.001}, FAILS),
        ({"rate": 0.001}, HOLDS),
        ({"vanilla": 0.49}, FAILS),
        ({"vanilla": 0.51}, HOLDS),
        ({"apart": 0.051}, FAILS),
        ({"apart": 0.049}, HOLDS),
        ({"residual": float("nan")}, FAILS),
        ({"apart": float("nan")}, FAILS),
    ],
)
def test_each_number_overturns_the_verdict(change, verdict):
    assert ARRIVED._replace(**change).verdict == verdict


def made_up(shares=(1e-4, 2e-4), vanilla=((1.1, 1.05), (1.2, 1.3)), block=30.0, epochs=21):
    """Students whose distances fall exponentially from 8 to the given shares of it."""
    epoch = np.linspace(0, 20, epochs)

    def student(shares, **more):
        distance = 8 * np.array(shares) ** (epoch[:, None] / 20)
        error = distance**2
        return figure_7.Student(epoch, error, 2 * error, 50.0, distance, error, **more)

    three = figure_7.Student(epoch, np.full((epochs, 1), 7.0), np.full((epochs, 1), block), 100.0)
    return {"ResLink": student(shares)} | dict(zip(figure_7.READINGS, map(student, vanilla))) | {"3-Block": three}


def test_arrival_takes_the_worst_of_the_runs():
    found = arrival.arrival(made_up(), made_up(), t_per_epoch=0.5)
    assert found.residual == pytest.approx(2e-4) and found.vanilla == pytest.approx(1.05)
    assert found.rate == pytest.approx(-np.log(2e-4) / 10)  # the slower run's, per unit of t
    assert found.apart == 0
    assert found.verdict == HOLDS


def test_decay_is_the_rate_of_the_last_quarter():
    students = made_up()
    rates = arrival.decay(students["ResLink"], 0.5)
    assert rates == pytest.approx(-np.log([1e-4, 2e-4]) / 10)
    bent = students["ResLink"]._replace(distance=np.where(np.arange(21)[:, None] < 15, 8.0, bent_tail()))
    assert arrival.decay(bent, 1.0) == pytest.approx([0.3])


def bent_tail():
    return np.exp(-0.3 * np.arange(21))[:, None]


@pytest.mark.parametrize(
    "change, apart",
    [
        ({"shares": (1e-4, 2.02e-4)}, 0.01),  # residual runs are compared one by one
        ({"vanilla": ((1.1, 1.05), (1.2, 1.35))}, 1.275 / 1.25 - 1),  # vanilla ones by their means
        ({"epochs": 11}, 0.0),  # at the epochs that both have
    ],
)
def test_a_run_beside_its_recording(change, apart):
    assert arrival.arrival(made_up(), made_up(**change), 0.5).apart == pytest.approx(apart, abs=2e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"shares": (1e-4, 0.02)},
        {"vanilla": ((1.1, 0.4), (1.2, 1.3))},
        {"vanilla": ((1.1, 1.2), (0.4, 1.3))},
        {"shares": (1.1, 1e-4)},
    ],
)
def test_other_students_overturn_the_verdict(change):
    students = made_up(**change)
    assert arrival.arrival(students, students, 0.5).verdict == FAILS


# --- whose errors vanish

ERRORS = arrival.Errors(train=1e-9, test=2e-9, falling=1e-3, vanilla=0.04)


@pytest.mark.parametrize(
    "change, zero, underfits",
    [
        ({}, HOLDS, HOLDS),
        ({"train": 9e-7}, HOLDS, HOLDS),
        ({"train": 2e-6}, FAILS, HOLDS),
        ({"train": 4.1e-5}, FAILS, FAILS),
        ({"test": 2e-6}, FAILS, HOLDS),
        ({"falling": 0.51}, FAILS, HOLDS),
        ({"vanilla": 0.009}, HOLDS, FAILS),
        ({"vanilla": 0.011}, HOLDS, HOLDS),
        ({"test": float("nan")}, FAILS, HOLDS),
    ],
)
def test_each_error_moves_its_verdict(change, zero, underfits):
    found = ERRORS._replace(**change)
    assert (found.zero, found.underfits) == (zero, underfits)


def test_errors_are_the_worst_of_the_runs_over_the_variance():
    students = made_up()
    found = arrival.errors(students)
    last = (8 * 2e-4) ** 2  # of the slower run; its test error is twice the training error
    assert (found.train, found.test) == pytest.approx((last / 50, 2 * last / 50))
    assert found.falling == pytest.approx(2e-4)  # squares, over half the run
    assert found.vanilla == pytest.approx((8 * 1.05) ** 2 / 50)
    swapped = students | {figure_7.READINGS[0]: students[figure_7.READINGS[1]]}
    assert arrival.errors(swapped).vanilla == pytest.approx((8 * 1.2) ** 2 / 50)


# --- the three-block student

BLOCK = arrival.BlockOrder(0.3, 30.0, 100.0, (0.4, 0.8), (0.5, 1.0), (10.0, 20.0), 20.0)  # below and above in any unit


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"train": 0.41}, UNDECIDED),  # above that of (i) in absolute terms
        ({"train": 7.0}, FAILS),
        ({"test": 0.4}, FAILS),
        ({"test": 4.9}, UNDECIDED),  # below both relative to the variance
        ({"variance": 5.0}, UNDECIDED),
        ({"vanilla_train": (0.2, 0.8)}, UNDECIDED),
        ({"vanilla_train": (0.4, 0.2)}, UNDECIDED),
        ({"vanilla_test": (31.0, 1.0)}, UNDECIDED),
        ({"vanilla_test": (0.5, 31.0)}, UNDECIDED),
        ({"vanilla_variance": (500.0, 20.0)}, UNDECIDED),
        ({"vanilla_variance": (10.0, 500.0)}, UNDECIDED),
    ],
)
def test_each_part_of_the_order_moves_the_verdict(change, verdict):
    assert BLOCK._replace(**change).verdict == verdict


def test_the_order_is_read_off_the_students():
    students = made_up(block=30.0)
    found = arrival.block_order(students)
    vanilla = [8**2 * np.mean(np.square(shares)) for shares in ((1.1, 1.05), (1.2, 1.3))]
    assert (found.train, found.test, found.variance, found.lowest) == (7.0, 30.0, 100.0, 30.0)
    assert found.vanilla_train == pytest.approx(vanilla) and found.vanilla_variance == (50.0, 50.0)
    assert found.vanilla_test == pytest.approx([2 * error for error in vanilla])
    assert not any(found.holds.values()) and found.verdict == FAILS
    assert found.fits_the_axis == pytest.approx((10 / 30) ** 0.5)
    for (low, high), error in zip(found.scales, vanilla, strict=True):
        assert (low, high) == pytest.approx(((2 * error / 30) ** 0.5, (error / 7) ** 0.5))


def test_factors_that_agree_with_all_the_paper_shows():
    for (train, test, lowest), expected in {
        (4.0, 4.0, 90.0): ((0.5) ** 0.5, (1 / 9) ** 0.5),  # the axis
        (4.0, 4.0, 1.0): (0.5**0.5, 0.2**0.5),  # the training error of (i)
    }.items():
        found = BLOCK._replace(train=train, test=test, lowest=lowest, vanilla_train=(0.8, 1.0), vanilla_test=(1.0, 2.0))
        assert found.agree == pytest.approx(expected)


def test_a_scaled_read_out_scales_the_errors():
    """With c at both read-outs, and the step over c squared, errors are multiplied by c squared."""
    x, test = (torch.randn(n, 4, generator=generator(n)) for n in (40, 20))

    class Scaled(torch.nn.Module):
        def __init__(self, network, c):
            super().__init__()
            self.network, self.c = network, c

        def forward(self, x):
            return self.c * self.network(x)

    def trained(c):
        student = Scaled(networks.ThreeBlock(4, hidden=8, generator=generator(1)), c)
        teacher = Scaled(networks.ThreeBlock(4, hidden=8, generator=generator(2)).eval(), c)
        options = {"eta": 0.002 / c**2, "batch": 20, "steps": 6, "generator": generator(3), "record_at": [0, 6]}
        return regression.fit(student, teacher, x, evaluate={"test": test}, **options)[1]["test"]

    one, other = trained(1.0), trained(0.25)
    assert other.numpy() == pytest.approx(0.0625 * one.numpy(), rel=1e-3) and one[1] != one[0]


# --- the start

SAME = arrival.Same(outputs=1e-15, paths=1e-13, way=0.5)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"outputs": 2e-9}, FAILS),
        ({"paths": 2e-9}, FAILS),
        ({"way": 0.0}, FAILS),  # nothing has moved: nothing is shown
        ({"paths": float("nan")}, FAILS),
    ],
)
def test_each_difference_moves_the_verdict(change, verdict):
    assert SAME._replace(**change).verdict == verdict


@pytest.fixture(scope="module")
def data():
    return figure_7.draw(6, 60, 30, 3, generator())


RECIPE = figure_7.Recipe(eta=0.01, batch=20, epochs=2, vanilla_runs=2, block_epochs=1, seed=5)


def test_the_same_network_takes_the_same_path(data, monkeypatch):
    found = arrival.same_network(data, RECIPE, steps=3)
    assert found.verdict == HOLDS and found.way > 0.01
    train = sgd.train
    monkeypatch.setattr(sgd, "train", lambda W, W_star, **options: train(W, 1.001 * W_star, **options))
    assert arrival.same_network(data, RECIPE, steps=3).verdict == FAILS


@pytest.mark.parametrize("vanilla, residual, verdict", [(7.6, 5.0, HOLDS), (7.4, 5.0, FAILS), (7.6, 5.2, FAILS)])
def test_each_norm_moves_the_verdict(vanilla, residual, verdict):
    assert arrival.Bigger(vanilla, residual).verdict == verdict


def test_the_norms_at_the_start(data):
    found = arrival.bigger(data.W_start)
    for W in data.W_start:
        shifted = float(W.square().sum() + 6 - 2 * W.trace()) ** 0.5
        assert found.vanilla <= shifted + 1e-12 and found.residual >= float(W.norm()) - 1e-12
    assert found.residual == pytest.approx(5 * 0.06**0.5)


def test_the_gradient_of_the_training_loss(data):
    """Against automatic differentiation of the mean squared error."""
    V = (torch.eye(6) + data.W_start[0]).requires_grad_()
    target = (data.train @ (torch.eye(6) + data.W_star)).relu().sum(1)
    (gradient,) = torch.autograd.grad(((data.train @ V).relu().sum(1) - target).square().mean(), V)
    found = arrival.training_gradient(data.W_start[0], data.W_star, data.train)
    assert found == pytest.approx(gradient.norm().item())
    assert arrival.training_gradient(data.W_star, data.W_star, data.train) == 0
