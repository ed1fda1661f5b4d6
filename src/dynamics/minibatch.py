"""Minibatch SGD, step by step (see `sgd.train`): the weights A = I + W of S runs, their random streams, the step."""

import numpy as np
import torch

from src import products, threads

_ROWS = 1000  # of inputs at a time: a few of them stay in the cache


class Runs:
    """S runs: on a GPU all in one `Step`, on a CPU each in one of its own, so that it stays in a core's cache.

    See `threads.side_by_side` for who makes them.
    """

    def __init__(self, W0, W_star, etas, batch, seeds, samples):
        S, self.identity, self.step = len(seeds), torch.eye(W0.shape[-1], dtype=W0.dtype, device=W0.device), 0
        # The identity teacher of section 5.3 is None: its output needs no product.
        self.teacher = self.identity + W_star if W_star.any() else None
        # Of a teacher that is shared, targets are computed once for all runs.
        targets = None if samples is None else output(samples, self.teacher).expand(S, -1)
        teachers = None if self.teacher is None else self.teacher.expand(S, -1, -1)
        self.A = (self.identity + W0).expand(S, -1, -1).clone(memory_format=torch.contiguous_format)  # [S, d, d]
        scale = torch.tensor(etas, dtype=W0.dtype, device=W0.device) * (2 / batch)
        generators = [torch.Generator(W0.device).manual_seed(seed) for seed in seeds]

        def step(part, generators):
            of_part = (None if X is None else X[part] for X in (teachers, targets))
            return Step(self.A[part], *of_part, scale[part], batch, generators, samples)

        together = W0.device.type != "cpu"
        self.parts = [step(slice(None), generators)] if together else [step(k, [g]) for k, g in enumerate(generators)]

    def advance(self, steps):
        before = self.state() | {"A": self.A.clone()}
        with threads.side_by_side(len(self.parts), self.A.shape[-1]) as each, np.errstate(all="ignore"):
            each(lambda part: part.advance(self.step, steps), self.parts)
        self.step += steps
        if not torch.isfinite(self.A).all():
            if steps > 1:  # find the step
                self.restore(before)
                while True:
                    self.advance(1)
            batch, d = self.parts[0].x.shape[-2:]
            raise FloatingPointError(
                f"a run was no longer finite at step {self.step}: its step size eta is too large "
                f"for batch {batch} and d = {d}"
            )

    def weights(self):
        return self.A - self.identity

    def state(self):
        orders = [part.order for part in self.parts]
        return {
            "A": self.A,
            "step": self.step,
            "order": None if orders[0] is None else torch.stack(orders).view(len(self.A), -1),
            "generators": [generator.get_state() for part in self.parts for generator in part.generators],
        }

    def restore(self, state):
        self.A.copy_(state["A"])
        self.step, states = state["step"], iter(state["generators"])
        for k, part in enumerate(self.parts):
            if state["order"] is not None:
                order = state["order"].to(self.A.device)
                part.start_epoch(order if part.A.ndim == 3 else order[k])
            for generator in part.generators:
                generator.set_state(next(states))


class Step:
    """The step of one run, or of S runs at once: then all its tensors have a first dimension S."""

    def __init__(self, A, teacher, targets, scale, batch, generators, samples):
        self.A, self.teacher, self.targets, self.generators, self.samples = A, teacher, targets, generators, samples
        self.scale = scale[..., None]
        self.x = A.new_empty(*A.shape[:-2], batch, A.shape[-1])
        self.z = torch.empty_like(self.x)
        self.residual = A.new_empty(*A.shape[:-2], batch)
        self.order = None  # [n], of the samples in this epoch
        self.forward = products.into(self.z, self.x, A)
        self.backward = products.subtracted(A, self.x.mT, self.z)

    def advance(self, done, steps):
        for k in range(done, done + steps):
            y = self._draw(k)
            self.forward()  # z = x A, [batch, d]
            torch.sum(self.z.relu_(), -1, out=self.residual).sub_(y).mul_(self.scale)  # [batch]
            self.z.sign_().mul_(self.residual[..., None])
            self.backward()  # A -= x^T z

    def start_epoch(self, order):
        self.order, self.y = order, self.targets.gather(-1, order)

    def _draw(self, step):
        """Fill x, return the teacher's outputs [batch]."""
        batch, d = self.x.shape[-2:]
        if self.samples is None:
            for x, generator in zip(self.x.view(-1, batch, d), self.generators, strict=True):
                x.normal_(generator=generator)
            return output(self.x, self.teacher)
        n = len(self.samples)
        start = step * batch % n
        if start == 0:
            orders = [torch.randperm(n, generator=g, device=g.device) for g in self.generators]
            self.start_epoch(torch.stack(orders).view(self.targets.shape))
        now = slice(start, start + batch)
        torch.index_select(self.samples, 0, self.order[..., now].reshape(-1), out=self.x.view(-1, d))
        return self.y[..., now]


@threads.by_size
def output(x, A):
    """f(x) = sum ReLU(A^T x) for x [n, d] or [S, n, d]; A is [d, d] or [S, d, d], or None for the identity."""
    if A is None:
        return x.relu().sum(-1)
    return torch.cat([(part @ A).relu_().sum(-1) for part in x.split(_ROWS, dim=-2)], dim=-1)
