"""Minibatch SGD of src.sgd, against plain PyTorch, the exact gradient and its own interruption."""

import math

import pytest
import torch
from torch import nn

from src.dynamics import linearised, minibatch, sgd
from src.dynamics.history import CURVES, measure
from src.model import population
from src.runs import checkpoints

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")


def draw(*shape, seed=0, size=0.5):
    """Gaussian matrices [..., d, d] of spectral norm about 2 * size."""
    generator = torch.Generator().manual_seed(seed)
    return size / shape[-1] ** 0.5 * torch.randn(*shape, generator=generator, dtype=torch.float64)


def inputs(n, d, seed=100):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


d = 6
W0, W_star = draw(d, d, seed=1), draw(d, d, seed=2)
ZERO = torch.zeros(d, d, dtype=torch.float64)


def settings(**changed):
    """A short run; a training set of 120 samples in epochs of 6 steps."""
    default = {"eta": 0.02, "batch": 20, "steps": 17, "seeds": [3, 4], "samples": inputs(120, d), "record_at": [0, 8]}
    return default | changed


# One step is a step along the exact gradient.


def one_huge_batch(teacher, **options):
    """The gradient of eq. 2 as one step shows it, with its standard error over 40 seeds of 5000 samples each."""
    eta = 0.02
    history = sgd.train(W0, teacher, eta=eta, batch=5000, steps=1, seeds=range(40), **options)
    estimates = (W0 - history.W) / eta
    return estimates.mean(0), estimates.std(0) / len(estimates) ** 0.5


@pytest.mark.parametrize("teacher", [W_star, ZERO], ids=["general teacher", "identity teacher"])
def test_one_step_follows_the_exact_gradient(teacher):
    mean, error = one_huge_batch(teacher)
    exact = population.gradient(W0, teacher)
    assert error.norm() < 0.02 * exact.norm()  # sharp enough to tell what follows
    assert 0.5 < ((mean - exact) / error).square().mean() < 1.7
    for wrong in (-exact, exact / 2, 2 * exact, 0.02 * exact, exact.mT, exact * math.pi):
        assert ((mean - wrong) / error).square().mean() > 20


# Against a network, autograd and optim.SGD, on the same samples.


class Plain(nn.Module):
    """The model of eq. 1 as anyone would write it; without the identity it is the vanilla network."""

    def __init__(self, W, identity):
        super().__init__()
        self.linear = nn.Linear(len(W), len(W), bias=False, dtype=W.dtype)
        self.linear.weight = nn.Parameter(W.mT.clone())
        self.identity = identity

    def forward(self, x):
        h = self.linear(x)
        return (x + h if self.identity else h).relu().sum(1)


def plain_loop(W, teacher, batches, eta, identity=True):
    student, teacher = Plain(W, identity), Plain(teacher, identity)
    optimizer = torch.optim.SGD(student.parameters(), lr=eta)
    for x in batches:
        optimizer.zero_grad()
        nn.functional.mse_loss(student(x), teacher(x).detach()).backward()
        optimizer.step()
    return student.linear.weight.detach().mT


def epochs(samples, batch, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        for rows in torch.randperm(len(samples), generator=generator).split(batch):
            if steps == 0:
                return
            steps -= 1
            yield samples[rows]


@pytest.mark.parametrize("teacher", [W_star, ZERO], ids=["general teacher", "identity teacher"])
def test_training_set_equals_the_plain_loop(teacher):
    history = sgd.train(W0, teacher, **settings())
    for run, seed in enumerate([3, 4]):
        plain = plain_loop(W0, teacher, epochs(inputs(120, d), 20, 17, seed), eta=0.02)
        assert torch.allclose(history.W[run], plain, rtol=0, atol=1e-13)


def test_fresh_samples_equal_the_plain_loop():
    history = sgd.train(W0, W_star, **settings(samples=None, seeds=5))
    generator = torch.Generator().manual_seed(5)
    fresh = [torch.empty(20, d, dtype=torch.float64).normal_(generator=generator) for _ in range(17)]
    assert torch.allclose(history.W, plain_loop(W0, W_star, fresh, eta=0.02), rtol=0, atol=1e-13)


def test_vanilla_is_the_model_at_W_minus_I():
    V, V_star, I = draw(d, d, seed=8), draw(d, d, seed=9), torch.eye(d, dtype=torch.float64)
    history = sgd.train(V - I, V_star - I, **settings())
    plain = plain_loop(V, V_star, epochs(inputs(120, d), 20, 17, 4), eta=0.02, identity=False)
    assert torch.allclose(history.W[1] + I, plain, rtol=0, atol=1e-13)
    assert history.distance[0, 0] == pytest.approx((V - V_star).norm().item())


# Runs and their company.


@pytest.mark.parametrize("samples", [None, inputs(120, d)], ids=["fresh", "training set"])
def test_a_run_does_not_depend_on_its_company(samples):
    starts, teachers = draw(3, d, d, seed=5), draw(3, d, d, seed=6)
    teachers[1] = 0
    etas, test = [0.01, 0.02, 0.03], {"test": inputs(50, d, seed=7)}
    common = settings(samples=samples, evaluate=test)
    together = sgd.train(starts, teachers, **(common | {"seeds": [3, 4, 5], "eta": etas}))
    for run, seed in enumerate([3, 4, 5]):
        alone = sgd.train(starts[run], teachers[run], **(common | {"seeds": seed, "eta": etas[run]}))
        assert torch.allclose(together.W[run], alone.W, rtol=0, atol=1e-13)
        assert torch.allclose(together.t[:, run], alone.t)
        for name in CURVES:
            assert torch.allclose(getattr(together, name)[:, run], getattr(alone, name), rtol=1e-10, atol=1e-13)
        assert torch.allclose(together.errors["test"][:, run], alone.errors["test"], rtol=1e-10)


def test_every_sample_once_per_epoch_in_an_order_of_each_seed():
    labelled = inputs(120, d)
    labelled[:, 0] = torch.arange(120)
    runs = minibatch.Runs(W0, W_star, [0.02, 0.02], 20, [3, 4], labelled)
    orders = []
    for epoch in range(3):
        seen = []
        for step in range(6 * epoch, 6 * epoch + 6):
            labels = torch.cat([torch.as_tensor(part._draw(step)) for part in runs.parts])
            x = torch.cat([part.x for part in runs.parts])
            assert torch.allclose(labels, Plain(W_star, True)(x.flatten(0, 1)).view(2, 20))
            seen.append(x[..., 0])
        orders.append(torch.cat(seen, 1))
    for order in orders:
        assert torch.equal(order.sort(1).values, torch.arange(120.0, dtype=torch.float64).expand(2, -1))
        assert not torch.equal(order[0], order[1])
    assert not torch.equal(orders[0], orders[1])


@pytest.mark.parametrize("samples", [None, inputs(120, d)], ids=["fresh", "training set"])
def test_a_step_in_torch_is_the_step_in_numpy(samples):
    """What runs on a GPU, tried on the CPU: the same step with torch's functions on the same memory."""
    one, other = (minibatch.Runs(W0, W_star, [0.02, 0.03], 20, [3, 4], samples) for _ in "ab")
    for part in other.parts:
        part.library, part.native = torch, lambda tensor: tensor
        part.buffers = [torch.from_numpy(buffer) for buffer in part.buffers]
    one.advance(9)
    other.advance(9)
    torch.testing.assert_close(one.weights(), other.weights(), rtol=0, atol=1e-13)


def test_seeds_differ_and_repeat_and_nothing_global_is_touched():
    before, W0_before, state = torch.initial_seed(), W0.clone(), torch.get_rng_state()
    first, second = (sgd.train(W0, W_star, **settings(samples=None)) for _ in range(2))
    assert torch.equal(first.W, second.W)
    assert not torch.equal(first.W[0], first.W[1])
    assert torch.equal(W0, W0_before)
    assert torch.initial_seed() == before and torch.equal(torch.get_rng_state(), state)


# What a History holds.


def test_curves_are_exact_and_errors_are_mean_squares():
    test = inputs(50, d, seed=7)
    history = sgd.train(W0, W_star, **settings(evaluate={"test": test}))
    assert history.step.tolist() == [0, 8, 17]  # the last step is always there
    assert torch.equal(history.t, 0.02 * history.step.double())
    for row, W in ((0, W0.expand(2, d, d)), (2, history.W)):
        for name, value in zip(CURVES, measure(W, W_star.expand(2, d, d)), strict=True):
            assert torch.allclose(getattr(history, name)[row], value, rtol=1e-12)
    expected = (Plain(history.W[1], True)(test) - Plain(W_star, True)(test)).square().mean()
    assert history.errors["test"][2, 1].item() == pytest.approx(expected.item(), rel=1e-12)
    single = sgd.train(W0, W_star, **settings(seeds=4, record_at=None, steps=200))
    assert single.W.shape == (d, d) and single.distance.shape == (101,) and single.distance.dtype == torch.float64


def test_float32_follows_float64():
    fine = sgd.train(W0, W_star, **settings())
    coarse = sgd.train(W0.float(), W_star.float(), **settings(samples=inputs(120, d).float()))
    assert coarse.W.dtype == torch.float32
    assert 0 < (coarse.W - fine.W).norm() < 1e-5


# Interruption.


@pytest.fixture
def eager(monkeypatch):
    """A checkpoint at every recorded step."""
    monkeypatch.setattr(checkpoints, "_SECONDS", -1)


def interrupt_after(monkeypatch, rows):
    """The run stops when it has recorded so many rows."""
    calls = []

    def measure_until(*arguments):
        if len(calls) == rows:
            raise KeyboardInterrupt
        calls.append(1)
        return measure(*arguments)

    monkeypatch.setattr(sgd, "measure", measure_until)


def assert_equal(one, other):
    assert torch.equal(one.W, other.W)
    assert torch.equal(one.step, other.step) and torch.equal(one.t, other.t)
    for name in CURVES:
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert one.errors.keys() == other.errors.keys()
    for name in one.errors:
        assert torch.equal(one.errors[name], other.errors[name])


@pytest.mark.parametrize("samples", [None, inputs(120, d)], ids=["fresh", "training set"])
@pytest.mark.parametrize("rows", [1, 3])
def test_resumed_equals_uninterrupted(samples, rows, tmp_path, monkeypatch, eager):
    run = settings(samples=samples, record_at=[0, 2, 6, 11], evaluate={"test": inputs(50, d, seed=7)})
    whole = sgd.train(W0, W_star, **run)
    checkpoint = tmp_path / "run.pt"
    with monkeypatch.context() as patch:
        interrupt_after(patch, rows)
        with pytest.raises(KeyboardInterrupt):
            sgd.train(W0, W_star, checkpoint=checkpoint, **run)
    assert checkpoint.exists()
    assert_equal(sgd.train(W0, W_star, checkpoint=checkpoint, **run), whole)
    assert_equal(sgd.train(W0, W_star, checkpoint=str(checkpoint), **run), whole)  # nothing left to do


@pytest.mark.parametrize(
    "changed",
    [
        {"seeds": [3, 5]},
        {"eta": 0.01},
        {"eta": [0.02, 0.01]},
        {"batch": 10},
        {"samples": inputs(120, d, seed=101)},
        {"samples": None},
        {"record_at": [0, 9]},
        {"steps": 18},
        {"evaluate": {"test": inputs(50, d)}},
    ],
    ids=str,
)
def test_the_checkpoint_of_another_run_is_refused(changed, tmp_path):
    checkpoint = tmp_path / "run.pt"
    sgd.train(W0, W_star, checkpoint=checkpoint, **settings())
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        sgd.train(W0, W_star, checkpoint=checkpoint, **settings(**changed))
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        sgd.train(W0, draw(d, d, seed=77), checkpoint=checkpoint, **settings())


# The step size.


def test_a_step_above_the_bound_is_refused_by_a_message_that_states_it():
    bound = linearised.largest_stable_step(20, d)
    assert 0.3 * 2 * 20 / d**2 < bound < 2 * 20 / d**2
    sgd.train(W0, W_star, **settings(eta=bound))
    message = rf"eta must be at most {bound:.3g} for batch 20, d = 6 \(about 2 batch / d\^2\), not .*SGD diverges"
    for eta in (1.01 * bound, [0.02, 1.01 * bound]):
        with pytest.raises(ValueError, match=message):
            sgd.train(W0, W_star, **settings(eta=eta))
        sgd.train(W0, W_star, **settings(eta=eta, steps=1, record_at=[0]), allow_unstable=True)


@pytest.mark.parametrize(("factor", "grows"), [(0.85, False), (1.15, True)])
def test_the_bound_is_where_every_run_starts_to_grow(factor, grows):
    """Near W = W* = 0, after the first unit of time, over 12 seeds."""
    d, batch = 32, 8
    eta = factor * linearised.largest_stable_step(batch, d)
    history = sgd.train(
        draw(12, d, d, size=1e-3),
        torch.zeros(d, d, dtype=torch.float64),
        eta=eta,
        batch=batch,
        steps=round(5 / eta),
        seeds=range(12),
        allow_unstable=True,
        record_at=[round(1 / eta)],
    )
    growth = history.distance[-1] / history.distance[0]
    assert growth.min() > 2 if grows else growth.max() < 0.9


@pytest.mark.parametrize("record_at", [[0], range(60), [0, 25, 50]], ids=["once", "every step", "sometimes"])
def test_a_run_that_stops_being_finite_says_at_which_step(record_at, tmp_path, monkeypatch, eager):
    eta, batches = 1e20, list(epochs(inputs(120, d), 20, 60, 4))
    after = (plain_loop(W0, W_star, batches[:steps], eta) for steps in range(60))
    finite = next(steps for steps, W in enumerate(after) if not torch.isfinite(W).all())
    assert 3 < finite < 50
    kept = []

    def save(self, state):
        kept.append((state["runs"]["step"], torch.isfinite(state["runs"]["A"]).all()))

    monkeypatch.setattr(checkpoints.Checkpoint, "save", save)
    run = settings(eta=eta, seeds=[4], steps=60, record_at=record_at)
    with pytest.raises(FloatingPointError, match=rf"step {finite}\b.*eta"):
        sgd.train(W0, W_star, checkpoint=tmp_path / "run.pt", allow_unstable=True, **run)
    assert kept and all(step < finite and whole for step, whole in kept)


# Bad input.


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"W0": W0.tolist()}, TypeError, "W0 must be a torch.Tensor"),
        ({"W0": torch.eye(d, dtype=torch.int64)}, TypeError, "W0 must have a floating dtype"),
        ({"W0": W0[:, :4]}, ValueError, "W0 must be square"),
        ({"W0": W0 * math.nan}, ValueError, "W0 must be finite"),
        ({"W0": -torch.eye(d, dtype=torch.float64)}, ValueError, "non-zero; column 0"),
        ({"W0": W0.expand(3, d, d)}, ValueError, r"W0 must be .* S = 2 as many as seeds, not \[3, 6, 6\]"),
        ({"W_star": W_star.expand(3, d, d)}, ValueError, r"W_star must be .* not \[3, 6, 6\]"),
        ({"W0": W0[None][:0]}, ValueError, r"W0 must be .* not \[0, 6, 6\]"),
        ({"W0": W0.expand(1, 2, d, d)}, ValueError, "W0 must be"),
        ({"W_star": W_star.float()}, TypeError, "W_star must have the dtype"),
        ({"W_star": draw(4, 4)}, ValueError, "W_star must have the dimension"),
        ({"eta": 0}, ValueError, "eta must be positive"),
        ({"eta": -0.01}, ValueError, "eta must be positive"),
        ({"eta": math.nan}, ValueError, "eta must be positive and finite"),
        ({"eta": "0.01"}, TypeError, "eta must be a number"),
        ({"eta": [0.01]}, ValueError, "eta must be one number or one per seed, 2 of them, not 1"),
        ({"eta": [0.01, math.nan]}, ValueError, "entry 1 of eta must be positive and finite"),
        ({"batch": 0}, ValueError, "batch must be from 1"),
        ({"batch": 10**8, "samples": None}, ValueError, "batch must be at most 8333333 for 2 runs with d = 6"),
        ({"batch": 20.0}, TypeError, "batch must be an integer"),
        ({"batch": 50}, ValueError, "batch must divide the number of samples, 120, not 50"),
        ({"steps": 0}, ValueError, "steps must be from 1"),
        ({"steps": True}, TypeError, "steps must be an integer"),
        ({"seeds": []}, ValueError, "seed"),
        ({"seeds": [3, -1]}, ValueError, "entry 1 of seeds must be from 0"),
        ({"seeds": [3, 0.5]}, TypeError, "entry 1 of seeds must be an integer"),
        ({"samples": inputs(120, 5)}, ValueError, r"samples must be inputs \[n, d\] with d = 6"),
        ({"samples": inputs(120, d).float()}, ValueError, "samples must have the dtype and device of W0"),
        ({"samples": inputs(120, d) / 0}, ValueError, "samples must be finite"),
        ({"samples": inputs(120, d).tolist()}, TypeError, "samples must be a torch.Tensor"),
        ({"samples": inputs(120, d).half()}, TypeError, "samples must have a floating dtype"),
        ({"samples": inputs(120, d).to_sparse()}, TypeError, "samples must be a dense tensor"),
        ({"samples": inputs(120, d)[:0]}, ValueError, r"samples must be inputs .* not of shape \[0, 6\]"),
        ({"evaluate": {"test": inputs(50, 5)}}, ValueError, "entry 'test' of evaluate must be inputs"),
        ({"evaluate": {"test": inputs(50, d).to("meta")}}, ValueError, "entry 'test' of evaluate must be on a device"),
        ({"evaluate": {3: inputs(50, d)}}, TypeError, "every key of evaluate must be text"),
        ({"evaluate": [inputs(50, d)]}, TypeError, "evaluate must be"),
        ({"record_at": [0, 18]}, ValueError, "entry 1 of record_at must be from 0 to 17"),
        ({"record_at": [0.5]}, TypeError, "entry 0 of record_at must be an integer"),
        ({"record_at": torch.linspace(0, 17, 3)}, TypeError, "record_at must hold integers"),
        ({"record_at": [-1]}, ValueError, "record_at"),
        ({"record_at": []}, ValueError, "record_at"),
        ({"allow_unstable": 1}, TypeError, "allow_unstable must be true or false"),
    ],
    ids=str,
)
def test_bad_input_is_named(changed, error, message, tmp_path):
    checkpoint = tmp_path / "run.pt"
    with pytest.raises(error, match=message):
        sgd.train(**(settings() | {"W0": W0, "W_star": W_star} | changed), checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize("record_at", [[9, 3, 9], range(3, 10, 6), torch.tensor([3, 9]), (9, 3, 17)], ids=str)
def test_steps_to_record_at_come_in_any_order(record_at):
    run = sgd.train(W0, W_star, **settings(record_at=record_at, evaluate={}))
    assert run.step.tolist() == [3, 9, 17] and run.errors == {}


@cuda
def test_cuda_follows_the_cpu():
    on_cpu = sgd.train(W0, W_star, **settings())
    samples = inputs(120, d).cuda()
    on_gpu = sgd.train(W0.cuda(), W_star.cuda(), **settings(samples=samples, record_at=[0]))
    assert on_gpu.W.is_cuda and not on_gpu.distance.is_cuda
    assert torch.allclose(on_gpu.distance[0], on_cpu.distance[0])
    assert (on_gpu.distance[-1] - on_cpu.distance[-1]).abs().max() < 0.05 * on_cpu.distance[-1].max()  # other orders
    again = sgd.train(W0.cuda(), W_star.cuda(), **settings(samples=samples, record_at=[0]))
    assert torch.equal(on_gpu.W, again.W)
