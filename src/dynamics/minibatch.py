"""Minibatch SGD, step by step (see `sgd.train`): the weights A = I + W of S runs, their random streams, the step."""

import functools
import math

import numpy as np
import torch

from src import products, threads

_ROWS = 1000  # of inputs at a time: a few of them stay in the cache


class Runs:
    """S runs in a `Step` or several: on a GPU all in one, on a CPU as many in each as there are runs to a core."""

    def __init__(self, W0, W_star, etas, batch, seeds, samples):
        S, self.identity, self.step = len(seeds), torch.eye(W0.shape[-1], dtype=W0.dtype, device=W0.device), 0
        # The identity teacher of section 5.3 is None: its output needs no product.
        self.teacher = self.identity + W_star if W_star.any() else None
        # Of a teacher that is shared, targets are computed once for all runs.
        targets = None if samples is None else _outputs(samples, self.teacher).expand(S, -1)
        teachers = None if self.teacher is None else self.teacher.expand(S, -1, -1)
        self.A = (self.identity + W0).expand(S, -1, -1).clone(memory_format=torch.contiguous_format)  # [S, d, d]
        scale = torch.tensor(etas, dtype=W0.dtype, device=W0.device) * (2 / batch)
        generators = [torch.Generator(W0.device).manual_seed(seed) for seed in seeds]

        def step(part, generators):
            of_part = (None if X is None else X[part] for X in (teachers, targets))
            return Step(self.A[part], *of_part, scale[part], batch, generators, samples)

        each = S if W0.device.type != "cpu" else -(-S // threads.available())
        self.parts = [step(slice(k, k + each), generators[k : k + each]) for k in range(0, S, each)]

    def advance(self, steps):
        before = self.state() | {"A": self.A.clone()}
        with threads.side_by_side(len(self.parts), self.A.shape[-1]) as each, np.errstate(all="ignore"):
            each(lambda part: part.advance(self.step, steps), self.parts)
        self.step += steps
        if not all(map(math.isfinite, self.A.aminmax())):
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
            "order": None if orders[0] is None else torch.cat(orders),
            "generators": [generator.get_state() for part in self.parts for generator in part.generators],
        }

    def restore(self, state):
        self.A.copy_(state["A"])
        self.step, done = state["step"], 0
        for part in self.parts:
            now = slice(done, done := done + len(part.A))
            if state["order"] is not None:
                part.start_epoch(state["order"][now].to(self.A.device))
            for generator, its in zip(part.generators, state["generators"][now], strict=True):
                generator.set_state(its)


class Step:
    """The step of S runs at once: all its tensors have a first dimension S, but for the samples, [n, d].

    On a CPU the elementwise passes are numpy's, whose calls cost less and let other runs go on beside them.
    """

    def __init__(self, A, teacher, targets, scale, batch, generators, samples):
        self.A, self.teacher, self.targets, self.generators, self.samples = A, teacher, targets, generators, samples
        self.order = None  # [S, n], of the samples in this epoch
        on_cpu = A.device.type == "cpu"
        self.library, self.native = (np, torch.Tensor.numpy) if on_cpu else (torch, lambda tensor: tensor)
        S, d = A.shape[:2]
        self.x = A.new_empty(S, batch, d)
        z, residual = torch.empty_like(self.x), A.new_empty(S, batch)
        active, zeros, ones = torch.empty_like(z, dtype=torch.bool), torch.zeros_like(z), A.new_ones(d)
        self.forward = products.into(z, self.x, A)
        self.backward = products.subtracted(A, self.x.mT, z)
        self.buffers = [self.native(tensor) for tensor in (z, residual, active, zeros, ones, scale[:, None])]

    def advance(self, done, steps):
        of, (z, residual, active, zeros, ones, scale) = self.library, self.buffers
        for k in range(done, done + steps):
            y = self._draw(k)  # [S, batch]
            self.forward()  # z = x A
            of.greater(z, zeros, out=active)
            of.maximum(z, zeros, out=z)
            of.matmul(z, ones, out=residual)
            of.subtract(residual, y, out=residual)
            of.multiply(residual, scale, out=residual)
            of.multiply(active, residual[..., None], out=z)
            self.backward()  # A -= x^T z

    def start_epoch(self, order):
        self.order = order
        S, batch, d = self.x.shape
        y = self.native(self.targets.gather(1, order))
        rows = order.view(S, -1, batch).transpose(0, 1).reshape(-1, S * batch)
        x, samples = self.x.view(-1, d), self.samples
        if self.library is np:  # mode "raise" would go by way of a copy
            take = functools.partial(np.take, samples.numpy(), axis=0, out=x.numpy(), mode="clip")
        else:
            take = functools.partial(torch.index_select, samples, 0, out=x)
        rows = self.native(rows)

        def minibatch(k):
            take(rows[k])
            return y[:, k * batch : (k + 1) * batch]

        self.minibatch = minibatch

    def _draw(self, step):
        """Fill x, return the teachers' outputs [S, batch]."""
        if self.samples is None:
            for x, generator in zip(self.x, self.generators, strict=True):
                x.normal_(generator=generator)
            return self.native(output(self.x, self.teacher))
        n = len(self.samples)
        k = step % (n // self.x.shape[1])
        if k == 0:
            self.start_epoch(torch.stack([torch.randperm(n, generator=g, device=g.device) for g in self.generators]))
        return self.minibatch(k)


@threads.by_size
def output(x, A):
    """f(x) = sum ReLU(A^T x) for x [n, d] or [S, n, d]; A is [d, d] or [S, d, d], or None for the identity."""
    if A is None:
        return x.relu().sum(-1)
    return torch.cat([products.multiply(part, A).relu_().sum(-1) for part in x.split(_ROWS, dim=-2)], dim=-1)


def _outputs(samples, A):
    """`output` of a whole training set, on all cores."""
    parts = samples.chunk(threads.available())
    with threads.side_by_side(len(parts), samples.shape[1]) as each:
        return torch.cat(each(lambda part: output(part, A), parts), dim=-1)
