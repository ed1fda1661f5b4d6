"""Threads by size: who gets how many, and that all get theirs back."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from conftest import ROOT

from src import threads
from src.dynamics import sgd
from src.model import population, weights


@pytest.fixture
def four(monkeypatch):
    """Four threads to begin with, as a kernel on a larger machine has; nothing was set by default."""
    monkeypatch.setattr(threads, "_for_large", None)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def blas():
    return [library.num_threads for library in threads._blas()]


def matrix(d):
    return torch.zeros(d, d)


def test_a_limit_holds_within_and_ends(four):
    before = blas()
    with pytest.raises(RuntimeError), threads.limited(2):
        assert torch.get_num_threads() == 2 and set(blas()) == {2}
        raise RuntimeError
    assert torch.get_num_threads() == 4 and blas() == before
    for bad in (0, -1, 1.5, "two", None):
        with pytest.raises((TypeError, ValueError), match="number"), threads.limited(bad):
            pass


def test_small_matrices_get_one_thread_and_large_ones_all(four):
    for d, expected in ((10, 4), (100, 1), (threads.LARGE - 1, 1), (threads.LARGE, 4)):  # 10: no library shares it
        with threads.of_size(matrix(d)):
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == 4


def test_in_a_chapter_one_is_the_default_and_large_matrices_get_all(four):
    threads.one_by_default()
    threads.one_by_default()  # again changes nothing
    assert torch.get_num_threads() == 1
    with threads.of_size(matrix(500)):
        assert torch.get_num_threads() == 4
        with threads.of_size(matrix(500)):
            assert torch.get_num_threads() == 4
    assert torch.get_num_threads() == 1
    with threads.limited(1), threads.of_size(matrix(500)):
        assert torch.get_num_threads() == 1, "a limit is one for large matrices too"
    with threads.of_size(matrix(500)):
        assert torch.get_num_threads() == 4


@pytest.mark.parametrize(
    ("runs", "d", "workers", "each"), [(3, 500, 3, 1), (2, 500, 2, 2), (1, 500, 1, 4), (4, 100, 4, 1)]
)
def test_runs_share_the_cores(four, runs, d, workers, each):
    barrier = threading.Barrier(min(workers, runs))

    def run(k):
        barrier.wait(timeout=20)  # all of them at once, or this breaks
        return k, threading.get_ident(), torch.get_num_threads()

    with threads.of_size(matrix(d)), threads.side_by_side(runs, d) as both:
        found = both(run, range(runs))
    assert [k for k, *_ in found] == list(range(runs))
    assert len({ident for _, ident, _ in found}) == workers and {number for *_, number in found} == {each}
    assert torch.get_num_threads() == 4


def test_gradients_and_runs_are_the_same_with_any_number(four):
    W, W_star = (weights.with_norms(d, 0.3, 1.0, torch.Generator().manual_seed(k)) for k, d in enumerate((450, 450)))
    options = {"eta": 1e-5, "batch": 40, "steps": 3, "seeds": [1, 2, 3]}
    found = population.gradient(W, W_star), sgd.train(W, W_star, **options).W
    torch.set_num_threads(1)
    alone = population.gradient(W, W_star), sgd.train(W, W_star, **options).W
    for one, other in zip(found, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)


SAYS = "import src, torch, os; print(os.environ['OMP_WAIT_POLICY'], torch.get_num_threads())"


@pytest.mark.parametrize("set_outside", ["2", "nonsense", "0", ""])
def test_whatever_is_set_outside_it_computes(set_outside):
    """A number is obeyed; of what is none the OpenMP runtime says so itself, and one thread a core is taken."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | {"OMP_NUM_THREADS": set_outside}
    run = subprocess.run(
        [sys.executable, "-c", SAYS], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    policy, number = run.stdout.split()
    assert policy == "PASSIVE" and int(number) == (2 if set_outside == "2" else len(os.sched_getaffinity(0)))


def test_numpy_is_limited_too(four):
    with threads.limited(1):
        np.dot(np.ones((300, 300)), np.ones((300, 300)))
        assert set(blas()) == {1}
