"""The benchmark counts what it calls: products, steps, seeds, and on which side of a ratio each stands."""

import contextlib
import math
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from src import products as src_products
from src import threads
from src.dynamics import minibatch, sgd
from src.experiments import networks
from src.model import landscape, population, weights
from tools import bench
from tools.benchmarks import plain, rows, timing
from tools.benchmarks.timing import Spread

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


@pytest.fixture(autouse=True)
def all_by_torch(monkeypatch):
    """Where products can be counted: on this thread."""
    monkeypatch.setattr(src_products, "_numpy_is_faster", lambda *_: False)
    monkeypatch.setattr(threads, "available", lambda: 1)


def test_a_step_is_two_products():
    d, batch = 12, 5
    W = weights.wrong_way_start(d, 1.0, -0.5, generator()).float()
    step = rows.stepper(W, batch, 1e-3, steps=1, runs=3)
    before = step.func.__self__.A.clone()
    assert products(step) == [(batch, d, d)] * 3 + [(d, batch, d)] * 3
    assert not torch.equal(step.func.__self__.A, before)


def test_a_gradient_is_four_products():
    W, W_star = pair(9)
    assert products(lambda: population.gradient(W, W_star)) == [(9, 9, 9)] * 4
    assert len(products(lambda: population.gradient(W, 0 * W))) == 2


def test_loops_are_the_same_gradient():
    W, W_star = pair(6)
    torch.testing.assert_close(plain.loops_gradient(W, W_star), population.gradient(W, W_star), rtol=1e-9, atol=1e-12)


def test_the_plain_step_is_the_engines():
    """One step of what a reader would write and of `sgd`, on the same samples, from the same weights."""
    d, batch, eta = 7, 6, 0.01
    W, W_star = pair(d)
    x = torch.randn(batch, d, generator=generator(), dtype=torch.float64)
    model, teacher = plain.Plain(W), plain.Plain(W_star)
    model.identity, teacher.identity = (torch.eye(d, dtype=torch.float64) for _ in range(2))
    plain.plain_step(model, teacher, torch.optim.SGD(model.parameters(), lr=eta), x)
    runs = minibatch.Runs(W, W_star, [eta], batch, [0], x)
    runs.advance(1)
    torch.testing.assert_close(runs.weights()[0], model.W.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loader", [True, False])
def test_a_plain_epoch_sees_every_sample_once(monkeypatch, loader):
    W, W_star = pair(4, torch.float32)
    samples, seen = torch.arange(48.0).view(12, 4), []
    monkeypatch.setattr(plain, "plain_step", lambda model, teacher, optimiser, x: seen.append(x))
    plain.plain_epoch(W, W_star, samples, 3, 0.1, loader)
    assert len(seen) == 4
    assert torch.equal(torch.cat(seen)[torch.cat(seen)[:, 0].argsort()], samples)


def test_the_plain_search_step_is_the_gradient_of_the_ratio():
    W, W_star = (torch.stack([X, 2 * X.mT]) for X in pair(5))
    found = plain.plain_search_step(W, W_star)
    ours = [X.clone().requires_grad_() for X in (W, W_star)]
    (torch.pi * landscape.one_point_ratio(*ours)).sum().backward()
    for mine, theirs in zip(ours, found, strict=True):
        torch.testing.assert_close(theirs, mine.grad, rtol=1e-7, atol=1e-9)


def test_an_epoch_of_jax_is_one_of_sgd():
    """In another order of the samples: with a batch of all of them, the same step."""
    pytest.importorskip("jax", reason="JAX is not installed (requirements-jax.txt)")
    W, W_star = pair(6, torch.float32)
    samples = torch.randn(40, 6, generator=generator())
    (found,) = plain.jax_epoch(W[None], W_star, samples, 40, 0.01)()
    ours = sgd.train(W, W_star, eta=0.01, batch=40, steps=1, seeds=0, samples=samples, allow_unstable=True).W
    torch.testing.assert_close(torch.tensor(np.array(found)), ours, rtol=1e-4, atol=1e-5)


@pytest.fixture
def timed(monkeypatch):
    """`compare` without a clock: it calls both pieces of work once and says which products each took."""
    counted = []

    def compare(ours, other, rounds):
        counted.append([products(work) for work in (ours, other)])
        return 1.0, 2.0, Spread(2.0, 1.5, 3.0)

    monkeypatch.setattr(rows, "compare", compare)
    monkeypatch.setattr(timing, "seconds", lambda work: 1.0)
    monkeypatch.setattr(plain, "jax_epoch", lambda *_: None)
    monkeypatch.setattr(rows, "jax_epoch", lambda *_: None)
    return counted


def work(sizes):
    return sum(m * k * n for m, k, n in sizes)


def test_five_runs_take_the_steps_of_five_plain_epochs(timed):
    """The engine: two products a step and run, and the teacher's once for all. Plain: three a step and run."""
    found = list(rows.five_seeds(generator(), n=1000))
    (ours, loader), (_, indexed), (bare, again) = timed
    one = 1000 * 100 * 100
    ours, again = ([size for size in sizes if size != (100, 100, 100)] for sizes in (ours, again))  # less the curves
    assert work(ours) == work(again) == (5 * 2 + 1) * one and work(loader) == work(indexed) == 5 * 3 * one
    assert work(bare) == 5 * 2 * one or not bare  # by numpy they are not counted
    assert [row.floor for row in found] == [False, False, True] and [row.target for row in found] == [12, 6, 2]


def test_a_step_is_compared_with_as_many_bare_and_plain_ones(timed):
    first, last = rows.one_step(generator(), d=30, batch=6)
    (step, loop), (bare, again) = timed
    assert step == again == [(6, 30, 30), (30, 6, 30)] * 20
    assert len(loop) == 3 * 20  # the plain loop multiplies by its teacher too, though that is the identity
    assert not bare or work(bare) == work(step)
    assert (first.ours, first.other, last.ours, last.other) == (1 / 20, 2 / 20, 2 / 20, 1 / 20)


def test_gradients_are_compared_with_four_products(timed):
    found = list(rows.exact_gradient(generator(), d=16, d_loops=4))
    assert [row.floor for row in found] == [False] + [True] * 4
    for (bare, ours), row in zip(timed[1:], found[1:], strict=True):
        assert ours[:4] == [(16, 16, 16)] * 4 and (not bare or bare == [(16, 16, 16)] * 4)
        assert ("loss" in row.what) == (len(ours) > 4)


def test_a_row_says_whether_its_target_is_met():
    row = rows.Row("a", 1.0, "b", 3.0, Spread(3.0, 2.0, 4.0), 3.0)
    assert row.met and not row._replace(target=3.1).met
    assert row._replace(floor=True).met and not row._replace(floor=True, target=2.9).met
    assert bench.line(row) == "| a | 1 s | b | 3 s | 3 (2 – 4) times faster | at least 3: met |"
    missed = row._replace(floor=True, target=2.5, ours=0.0123, other=4.5e-5)
    assert bench.line(missed) == "| a | 12.3 ms | b | 45 µs | 3 (2 – 4) times it | at most 2.5: missed |"
    assert bench.line(row._replace(target=None)).endswith("times faster |  |")
    assert bench.duration(8012.0) == "8,012 s"


def test_a_ratio_is_the_other_over_ours(monkeypatch):
    ticks = iter([0, 1, 10, 13, 20, 22, 30, 38, 40, 41, 50, 52])  # ours, other: 1, 3; 2, 8; 1, 2 seconds
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    calls = []
    mine, theirs, ratios = timing.compare(lambda: calls.append("ours"), lambda: calls.append("other"), 3)
    assert calls == ["ours", "other"] * 4  # one of each to warm up
    assert (mine, theirs) == (1, 3) and ratios == Spread(3.0, 2.0, 4.0)
    assert str(Spread(2.0, 1.0, 4.0)) == "2 (1 – 4)"


def test_the_floor_is_the_fastest_way(monkeypatch):
    """Of four: torch and numpy, on one thread and two; and it is the one that is done so many times."""
    monkeypatch.setattr(timing.torch, "get_num_threads", lambda: 2)
    asked, speeds = [], iter([4.0, 3.0, 1.0, 2.0])
    monkeypatch.setattr(timing, "limited", lambda threads: asked.append(threads) or contextlib.nullcontext())
    monkeypatch.setattr(timing, "seconds", lambda work: next(speeds))
    found = timing.floor(3, 4, 5, torch.float64, rounds=1)
    assert found.way == "numpy, 1 thread" and asked == [1, 2, 1, 2]
    assert products(found.times(7)) == [] and asked[-1] == 1


def test_busy_processes_are_busy_and_end(monkeypatch):
    monkeypatch.setattr(timing, "_WORK", "while True: pass")
    monkeypatch.setattr(timing.time, "sleep", lambda _: None)
    started, start = [], timing.subprocess.Popen
    monkeypatch.setattr(timing.subprocess, "Popen", lambda *a: started.append(start(*a)) or started[-1])
    with pytest.raises(KeyError), timing.busy(2):
        assert [child.poll() for child in started] == [None, None]
        raise KeyError
    assert len(started) == 2 and all(child.poll() is not None for child in started)


def test_the_tables_are_stored_together(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "TABLE", tmp_path / "benchmarks.md")
    bench.store([["| a |", "|---|", "| 12 ms |"], ["| b |", "|---|"]])
    head, first, second = (tmp_path / "benchmarks.md").read_text().split("\n\n")
    assert "OpenBLAS" in head or "openblas" in head
    assert first.endswith("| 12\u00a0ms |") and second == "| b |\n|---|\n"


def test_the_least_work_is_that_of_a_step_of_training():
    """Counted in a whole step: forward, and both gradients; the first layer has no gradient of its input."""
    net = networks.CifarNet(2, generator=generator(), depth=1, width=4)
    image = torch.randn(1, 3, 32, 32)
    operations, moved = timing.least_work(net, image)
    with FlopCounterMode(display=False) as counter:
        net.train()(image.expand(2, -1, -1, -1)).sum().backward()
    first = 2 * 32 * 32 * 9 * 3 * 4
    assert 2 * (operations - first) == counter.get_total_flops()
    outputs = 4 * 32 * 32 * 3 + 8 * 16 * 16 * 2 + 16 * 8 * 8 * 2
    assert moved == 2 * 2 * 2 * outputs  # output and gradient, written and read, two bytes each
    assert not any(module._forward_hooks for module in net.modules() if isinstance(module, nn.Conv2d))


def test_the_flow_is_compared_with_as_many_steps_as_the_paper_takes(monkeypatch):
    """Times are counted by a clock that ticks once a look; the explicit solver's gradients are the dimension's own."""
    for module in (rows, timing):
        monkeypatch.setattr(module.time, "perf_counter", iter(range(10**6)).__next__)
    first, second, finer = rows.whole_flow(1e-3, d=31)
    assert "d = 31, rtol = 0.003" in first.what and "350,000 steps of SGD" in first.against
    assert (first.ours, first.other, first.ratio) == (1, 350, Spread(350, 350, 350))
    assert (first.target, second.target, finer.target) == (400, None, None) and "rtol = 0.001" in finer.what
    coarse, fine = (float(re.search(r"within ([\d.]+) %", row.what)[1]) for row in (first, finer))
    assert fine < coarse < 10
    gradients = int(re.search(r"with ([\d,]+) gradients", second.against)[1].replace(",", ""))
    assert gradients > 200 and second.other == gradients
