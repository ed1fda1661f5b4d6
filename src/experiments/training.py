"""Supervised training of a classifier, and what it leaves behind: sections 5.4 and 5.1."""

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from src.checks import check_integer
from src.runs import checkpoints


@dataclass
class Record:
    """One row per epoch, 0 (before training) to the last, in float64 tensors [K].

    `loss` and `train_error` are means over the epoch's minibatches as they were met, before each one's step;
    `errors` holds the misclassified fraction of each evaluation set after the epoch; `seconds` is wall time, without
    the evaluations. The rows of epoch 0 hold NaN for what only training gives.
    """

    epoch: torch.Tensor
    loss: torch.Tensor
    train_error: torch.Tensor
    seconds: torch.Tensor
    errors: dict


def train(
    model, inputs, labels, *, optimizer, epochs, batch, seed,
    evaluate=None, augment=None, scheduler=None, precision=None, checkpoint=None, progress=False,
):  # fmt: skip
    """Minimise the cross-entropy of `model` on (inputs, labels) and return a Record with epochs 0 to `epochs`.

    model: maps [n, ...] to logits [n, classes]; it is trained in place, on the device of its parameters.
    inputs, labels: [n, ...] and [n] (int64), on that device. The order of each epoch is drawn from `seed`.
    optimizer: a torch.optim optimizer of the model's parameters.
    evaluate: a dict of (inputs, labels) on which the error is taken before training and after every epoch.
    augment: a function of (inputs, generator) whose result, inputs of the same shape, is used for one epoch.
    scheduler: a torch.optim.lr_scheduler of the optimizer; it is advanced after every minibatch.
    precision: torch.bfloat16 for autocast in training, default none; weights, optimizer and evaluation keep the
        weights' dtype.
    checkpoint: a file, written whole after every epoch and resumed from when it is there; it may hold fewer epochs
        than asked for, never more.

    Raises TypeError or ValueError, naming the argument, before any work; ValueError for a checkpoint of another run;
    FloatingPointError, with the epoch, once the loss is no longer finite (the checkpoint before it is kept).
    """
    for name, value, at_least in (("epochs", epochs, 0), ("batch", batch, 1), ("seed", seed, 0)):
        check_integer(name, value, at_least)
    sets = {"train": (inputs, labels), **(evaluate or {})}
    for name, (x, y) in sets.items():
        _check_set(name, x, y)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, not {type(optimizer).__name__}")
    if scheduler is not None and getattr(scheduler, "optimizer", None) is not optimizer:
        raise ValueError("scheduler must be a torch.optim.lr_scheduler of the optimizer")
    if precision not in (None, torch.bfloat16):
        raise ValueError(f"precision must be None or torch.bfloat16, not {precision!r}")
    device = next(model.parameters()).device
    if any(t.device != device for pair in sets.values() for t in pair):
        raise ValueError(f"inputs, labels and evaluate must be on the model's device, {device}")

    generator = torch.Generator().manual_seed(seed)
    parts = {"model": model, "optimizer": optimizer} | ({} if scheduler is None else {"scheduler": scheduler})
    digest = None if checkpoint is None else _digest(model, optimizer, batch, seed, sets, augment, scheduler, precision)
    rows = []
    if saved := checkpoints.load(checkpoint, digest):
        rows = saved["rows"]
        if len(rows) > epochs + 1:
            raise ValueError(f"checkpoint must hold at most epochs = {epochs}; {checkpoint} holds {len(rows) - 1}")
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        generator.set_state(saved["generator"])
    # entered anew for every forward pass: autocast keeps its casts of the weights until it is left
    autocast = partial(torch.autocast, device.type, precision, enabled=precision is not None)
    step = _Step(model, optimizer, scheduler, autocast)
    with tqdm(total=epochs, desc="epochs", leave=False, disable=None if progress else True) as bar:
        if not rows:
            rows.append([torch.nan, torch.nan, 0.0, *_errors(model, sets)])
        bar.update(len(rows) - 1)
        for epoch in range(len(rows), epochs + 1):
            start = time.perf_counter()
            epoch_inputs = inputs if augment is None else augment(inputs, generator)
            loss, error = _one_epoch(step, epoch_inputs, labels, batch, generator)
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss was no longer finite in epoch {epoch}: the step size is too large")
            seconds = time.perf_counter() - start
            rows.append([loss, error, seconds, *_errors(model, sets)])
            bar.update()
            if checkpoint is not None:
                state = {name: part.state_dict() for name, part in parts.items()}
                checkpoints.save(checkpoint, digest, {"rows": rows, **state, "generator": generator.get_state()})
    table = torch.tensor(rows, dtype=torch.float64).T
    errors = dict(zip(list(sets)[1:], table[3:], strict=True))
    return Record(torch.arange(len(rows)), table[0], table[1], table[2], errors)


@contextmanager
def threads(number):
    """Within it torch computes on so many threads: sums are then added in one order, and a seed fixes a run."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def error(model, inputs, labels):
    """The fraction of `labels` that the largest logit misses."""
    training = model.training
    model.eval()
    wrong = sum(
        (model(x).argmax(1) != y).sum().item() for x, y in zip(inputs.split(1000), labels.split(1000), strict=True)
    )
    model.train(training)
    return wrong / len(labels)


def _errors(model, sets):
    # outside autocast: among logits of eight bits the largest is often not the only one
    return [error(model, *sets[name]) for name in list(sets)[1:]]


def _one_epoch(step, inputs, labels, batch, generator):
    """Mean loss and error over the minibatches of one pass."""
    step.model.train()
    loss, wrong = torch.zeros(
        2, dtype=torch.float64, device=labels.device
    )  # read once: a device need not be waited for
    for rows in torch.randperm(len(labels), generator=generator).to(labels.device).split(batch):
        mean, missed = step(inputs[rows], labels[rows])
        loss += mean * len(rows)
        wrong += missed
    return loss.item() / len(labels), wrong.item() / len(labels)


class _Step:
    """One step of the optimizer on a minibatch: returns its mean loss and number of errors, before the step.

    On a CUDA device the hundreds of small kernels of a pass take less time than their launches: the first minibatch
    of each size is captured as a graph, which is one launch from then on.
    """

    def __init__(self, model, optimizer, scheduler, autocast):
        self.model, self.optimizer, self.scheduler, self.autocast = model, optimizer, scheduler, autocast
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.graphs = {}

    def __call__(self, x, y):
        mean, missed, gradients = (self._replay if x.is_cuda else self._pass)(x, y)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        return mean, missed

    def _pass(self, x, y):
        with self.autocast():
            logits = self.model(x)
            mean = cross_entropy(logits, y)
        gradients = torch.autograd.grad(mean, self.parameters)
        return mean.detach(), (logits.detach().argmax(1) != y).sum(), gradients

    def _replay(self, x, y):
        if len(y) not in self.graphs:
            self.graphs[len(y)] = self._capture(x, y)
        graph, inputs, outputs = self.graphs[len(y)]
        for static, value in zip(inputs, (x, y), strict=True):
            static.copy_(value)
        graph.replay()
        return outputs

    def _capture(self, x, y):
        """A graph of `_pass`, the tensors it reads and those it writes."""
        inputs = x.clone(), y.clone()
        before = [buffer.clone() for buffer in self.model.buffers()]
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(current)
        graph = torch.cuda.CUDAGraph()
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            with torch.cuda.stream(side):
                for _ in range(3):  # the libraries choose their kernels
                    self._pass(*inputs)
            current.wait_stream(side)
            with torch.cuda.graph(graph):
                outputs = self._pass(*inputs)
        for buffer, value in zip(self.model.buffers(), before, strict=True):
            buffer.copy_(value)  # the passes above have moved batch norm's means
        return graph, inputs, outputs


def _check_set(name, x, y):
    if not isinstance(x, torch.Tensor) or not isinstance(y, torch.Tensor):
        raise TypeError(f"{name} must be two torch.Tensors, inputs [n, ...] and labels [n]")
    if not x.is_floating_point() or y.dtype != torch.int64:
        raise TypeError(f"{name} must have floating inputs and int64 labels, not {x.dtype} and {y.dtype}")
    if y.ndim != 1 or x.ndim < 2 or len(x) != len(y) or not len(y):
        raise ValueError(f"{name} must be inputs [n, ...] and labels [n], n >= 1, not {list(x.shape)}, {list(y.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} must be finite; its inputs hold NaN or infinity")
    if y.min() < 0:
        raise ValueError(f"{name} must have labels from 0; found {y.min().item()}")


def _digest(model, optimizer, batch, seed, sets, augment, scheduler, precision):
    """Names the run that a checkpoint belongs to: network, initial weights, data, settings (not the epochs)."""
    return checkpoints.digest(
        model=repr(model),
        weights=dict(model.state_dict()),
        optimizer=[type(optimizer).__name__, repr(optimizer)],  # the settings of every group of parameters
        batch=batch,
        seed=seed,
        sets=sets,
        augment=getattr(augment, "__qualname__", repr(augment)),
        scheduler=repr(scheduler and (type(scheduler).__name__, scheduler.state_dict())),
        precision=str(precision),
    )
