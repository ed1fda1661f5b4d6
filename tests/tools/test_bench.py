"""The benchmark counts what it calls: products, steps, seeds, and on which side of a ratio each stands."""

import math
import re

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from src.dynamics import minibatch, sgd
from src.experiments import networks
from src.model import population, weights
from tools import bench

PRODUCTS = {"mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_"}


class Products(TorchDispatchMode):
    """The matrix products that are executed: their sizes (m, k, n), one entry for each of a batch."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._overloadpacket.__name__
        if name in PRODUCTS:
            A, B = args[-2:] if "add" in name else args[:2]
            if B.shape[-1] > 1 < A.shape[-2]:  # a matrix times a vector costs a pass over the matrix and is no product
                self.sizes += [(*A.shape[-2:], B.shape[-1])] * math.prod(A.shape[:-2])
        return function(*args, **(kwargs or {}))


def products(work):
    with Products() as mode:
        work()
    return mode.sizes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(d, dtype=torch.float64):
    return [weights.with_norms(d, 0.3, 0.5, generator(seed)).to(dtype) for seed in (1, 2)]


def test_the_counter_counts():
    A, B = torch.randn(3, 4), torch.randn(4, 5)
    assert products(lambda: A @ B) == [(3, 4, 5)] and products(lambda: A @ B[:, 0]) == []
    assert products(lambda: torch.addmm(torch.zeros(3, 5), A, B)) == [(3, 4, 5)]
    assert products(lambda: torch.bmm(A.expand(2, 3, 4), B.expand(2, 4, 5))) == [(3, 4, 5)] * 2


def test_a_step_is_its_two_bare_products():
    """The same two sizes, and on fresh samples at every step."""
    d, batch = 12, 5
    W = weights.wrong_way_start(d, 1.0, -0.5, generator()).float()
    step = bench.stepper(W, batch, 1e-3)
    assert products(step) == products(bench.two_products(W, batch)) == [(batch, d, d), (d, batch, d)]
    assert products(bench.stepper(W, batch, 1e-3, runs=3)) == [(batch, d, d)] * 3 + [(d, batch, d)] * 3
    runs = step.func.__self__
    before = runs.A.clone()
    step()
    assert not torch.equal(runs.A, before) and runs.x.shape == (1, batch, d)


def test_a_gradient_is_its_four_bare_products():
    W, W_star = pair(9)
    four = [(9, 9, 9)] * 4
    assert products(lambda: population.gradient(W, W_star)) == products(bench.four_products(W, W_star)) == four
    assert len(products(lambda: population.gradient(W, 0 * W))) == 2


def test_loops_are_the_same_gradient():
    W, W_star = pair(6)
    torch.testing.assert_close(bench.loops_gradient(W, W_star), population.gradient(W, W_star), rtol=1e-9, atol=1e-12)


def test_the_plain_step_is_the_engines():
    """One step of what a reader would write and of `sgd`, on the same samples, from the same weights."""
    d, batch, eta = 7, 6, 0.01
    W, W_star = pair(d)
    x = torch.randn(batch, d, generator=generator(), dtype=torch.float64)
    model, teacher = bench.Plain(W), bench.Plain(W_star)
    model.identity, teacher.identity = (torch.eye(d, dtype=torch.float64) for _ in range(2))
    bench.plain_step(model, teacher, torch.optim.SGD(model.parameters(), lr=eta), x)
    runs = minibatch.Runs(W, W_star, [eta], batch, [0], x)
    runs.advance(1)
    torch.testing.assert_close(runs.weights()[0], model.W.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loader", [True, False])
def test_a_plain_epoch_sees_every_sample_once(monkeypatch, loader):
    W, W_star = pair(4, torch.float32)
    samples, seen = torch.arange(48.0).view(12, 4), []
    monkeypatch.setattr(bench, "plain_step", lambda model, teacher, optimiser, x: seen.append(x))
    bench.plain_epoch(W, W_star, samples, 3, 0.1, loader)
    assert len(seen) == 4
    assert torch.equal(torch.cat(seen)[torch.cat(seen)[:, 0].argsort()], samples)


def timed(monkeypatch, rounds=1):
    """`compare` without a clock: it calls both pieces of work once and says which products each took."""
    counted = []

    def compare(ours, other, rounds):
        counted.append([products(work) for work in (ours, other)])
        return 1.0, 2.0, (2.0, 1.5, 3.0)

    monkeypatch.setattr(bench, "compare", compare)
    return counted


def work(sizes):
    return sum(m * k * n for m, k, n in sizes)


def test_five_seeds_take_the_steps_of_five_plain_epochs(monkeypatch):
    """The engine: two products a step and seed, and the teacher's once for all. Plain: three a step and run."""
    counted = timed(monkeypatch)
    rows = list(bench.five_seeds(generator(), n=1000))
    assert len(rows) == len(counted) == 2
    for ours, other in counted:
        one = 1000 * 100 * 100
        in_steps = [size for size in ours if size in ((200, 100, 100), (100, 200, 100))]
        assert work(in_steps) == 5 * 2 * one and work(other) == 5 * 3 * one


def test_a_step_is_compared_with_as_many_bare_and_plain_ones(monkeypatch):
    """And the seconds of one step, from which a whole run is reckoned, are those of twenty over twenty."""
    counted = timed(monkeypatch)
    steps = bench.one_step(generator(), d=30, batch=6)
    rows = [next(steps), next(steps)]
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == 1.0 / 20
    (step, bare), (again, plain) = counted
    assert step == again == bare == [(6, 30, 30), (30, 6, 30)] * 20
    assert len(plain) == 3 * 20  # the plain loop multiplies by its teacher too, though that is the identity
    assert "at d = 30, batch 6" in rows[0][0] and rows[0][3] == "0.5 (0.333 – 0.667)" and rows[1][3] == "2 (1.5 – 3)"


def test_gradients_are_compared_with_as_many_products(monkeypatch):
    """Of a general teacher; over the dimensions both sides are repeated alike."""
    counted = timed(monkeypatch)
    assert len(list(bench.exact_gradient(generator(), d=16, d_loops=4))) == 2
    assert counted[0] == [[(16, 16, 16)] * 4] * 2 and counted[1][0] == [(4, 4, 4)] * 4
    counted.clear()
    assert len(list(bench.growth(generator(), dims=(10, 20)))) == 4
    for (ours, other), pieces in zip(counted, (30 * 4, 1000 * 2, 15 * 4, 500 * 2), strict=True):
        assert len(ours) == len(other) == pieces and work(ours) == work(other)


def test_seeds_share_a_step(monkeypatch):
    """Seconds per step and seed: of 200 steps of all seeds at once."""
    steps = []
    monkeypatch.setattr(bench, "repeat", lambda work, times: steps.append((len(work.func.__self__.generators), times)))
    monkeypatch.setattr(bench, "seconds", lambda work: 0.2)
    rows = list(bench.company(generator()))[2:]
    assert set(steps) == {(runs, 200) for runs in (1, 2, 5, 10, 20)}
    each = {1: "1e+03", 2: "500", 5: "200", 10: "100", 20: "50"}
    assert rows == [f"| {runs} | {us} µs ({us} – {us}) |" for runs, us in each.items()]


def test_a_ratio_is_the_other_over_ours(monkeypatch):
    ticks = iter([0, 1, 10, 13, 20, 22, 30, 38, 40, 41, 50, 52])  # ours, other: 1, 3; 2, 8; 1, 2 seconds
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(ticks))
    calls = []
    mine, theirs, ratios = bench.compare(lambda: calls.append("ours"), lambda: calls.append("other"), 3)
    assert calls == ["ours", "other"] * 4  # one of each to warm up
    assert (mine, theirs) == (1, 3) and ratios == (3.0, 2.0, 4.0)
    assert bench.spread((2.0, 1.0, 4.0)) == "2 (1 – 4)"
    assert bench.spread((2.0, 1.0, 4.0), invert=True) == "0.5 (0.25 – 1)"


def test_the_least_work_is_that_of_a_step_of_training():
    """Counted in a whole step: forward, and both gradients; the first layer has no gradient of its input."""
    net = networks.CifarNet(2, generator=generator(), depth=1, width=4)
    image = torch.randn(1, 3, 32, 32)
    operations, moved = bench.least_work(net, image)
    with FlopCounterMode(display=False) as counter:
        net.train()(image.expand(2, -1, -1, -1)).sum().backward()
    first = 2 * 32 * 32 * 9 * 3 * 4
    assert 2 * (operations - first) == counter.get_total_flops()
    outputs = 4 * 32 * 32 * 3 + 8 * 16 * 16 * 2 + 16 * 8 * 8 * 2
    assert moved == 2 * 2 * 2 * outputs  # output and gradient, written and read, two bytes each
    assert not any(module._forward_hooks for module in net.modules() if isinstance(module, nn.Conv2d))


def test_the_flow_is_compared_with_as_many_steps_as_the_paper_takes(monkeypatch):
    """Times are counted by a clock that ticks once a look; the explicit solver's gradients are the dimension's own."""
    monkeypatch.setattr(bench.time, "perf_counter", iter(range(10**6)).__next__)
    first, second = bench.whole_flow(1e-3, d=31)
    assert "at d = 31" in first[0] and "350,000 SGD steps" in first[0]
    assert first[1:] == ("1 s", "350 s, from the step above", "350 (350 – 350)")
    assert float(re.search(r"within ([\d.]+) % of exact", first[0])[1]) < 10
    gradients = int(re.search(r"with ([\d,]+) gradients", second[0])[1].replace(",", ""))
    assert gradients > 200 and float(second[2].split()[0]) == pytest.approx(gradients, rel=0.01)
