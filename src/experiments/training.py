"""Supervised training of a classifier, and what it leaves behind: sections 5.4 and 5.1."""

import math
import time
import warnings
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from src.checks import COUNT, SEED, arguments, optional
from src.experiments import inputs as kinds
from src.runs import checkpoints, code


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


_INPUTS = kinds.data("[n, d, ...]")


@arguments(
    model=torch.nn.Module,
    inputs=_INPUTS,
    optimizer=kinds.optimizer,
    epochs=range(10**9),
    batch=COUNT,
    seed=SEED,
    evaluate=optional(kinds.mapping(tuple | list)),
    augment=optional(callable),
    precision=kinds.precision,
    progress=bool,
)
def train(
    model, inputs, labels, *, optimizer, epochs, batch, seed,
    evaluate=None, augment=None, scheduler=None, precision=None, checkpoint=None, progress=False,
):  # fmt: skip
    """Minimise the cross-entropy of `model` on (inputs, labels) and return a Record with epochs 0 to `epochs`.

    model: maps [n, ...] to logits [n, classes]; it is trained in place, on the device of its parameters.
    inputs, labels: [n, ...] and [n] (int64), on that device. The order of each epoch is drawn from `seed`.
    optimizer: a torch.optim optimizer of the model's parameters, or of some of them.
    evaluate: a dict of (inputs, labels) on which the error is taken before training and after every epoch; none of
        them is called "train".
    augment: a function of (inputs, generator) whose result, inputs of the same shape, is used for one epoch.
    scheduler: a torch.optim.lr_scheduler of the optimizer; it is advanced after every minibatch.
    precision: torch.bfloat16 for autocast in training, default none; weights, optimizer and evaluation keep the
        weights' dtype. Where `usable` refuses it, it is none too.
    checkpoint: a file, written whole after every epoch and resumed from when it is there; it may hold fewer epochs
        than asked for, never more.

    Raises TypeError or ValueError, naming the argument, before any work; ValueError for a checkpoint of another run;
    FloatingPointError, with the epoch, once the loss is no longer finite (the checkpoint before it is kept).
    """
    own = {id(parameter): parameter.device for parameter in model.parameters()}
    if len(set(own.values())) != 1:
        raise ValueError("model must have parameters, all on one device")
    (device,) = set(own.values())
    precision = usable(precision, device)
    # entered anew for every forward pass: autocast keeps its casts of the weights until it is left
    autocast = partial(torch.autocast, device.type, precision, enabled=precision is not None)
    sets = {"train": (inputs, labels), **(evaluate or {})}
    _check_sets(model, inputs, labels, evaluate or {}, device, autocast)
    if any(id(parameter) not in own for group in optimizer.param_groups for parameter in group["params"]):
        raise ValueError("optimizer must be one of the model's parameters; it holds others")
    if scheduler is not None and getattr(scheduler, "optimizer", None) is not optimizer:
        raise ValueError("scheduler must be a torch.optim.lr_scheduler of the optimizer")

    generator = torch.Generator().manual_seed(seed)
    parts = {"model": model, "optimizer": optimizer} | ({} if scheduler is None else {"scheduler": scheduler})
    step = _Step(model, optimizer, scheduler, autocast)
    rows = []
    bar = tqdm(total=epochs, desc="epochs", leave=False, disable=None if progress else True)
    with _kept(checkpoint, model, optimizer, batch, seed, sets, augment, scheduler, precision) as kept, bar:
        if saved := kept.load():
            rows = saved["rows"]
            if len(rows) > epochs + 1:
                raise ValueError(f"checkpoint must hold at most epochs = {epochs}; {checkpoint} holds {len(rows) - 1}")
            for name, part in parts.items():
                part.load_state_dict(saved[name])
            generator.set_state(saved["generator"])
        if not rows:
            rows.append([torch.nan, torch.nan, 0.0, *_errors(model, sets)])
        bar.update(len(rows) - 1)
        for epoch in range(len(rows), epochs + 1):
            start = time.perf_counter()
            epoch_inputs = inputs if augment is None else augment(inputs, generator)
            if getattr(epoch_inputs, "shape", None) != inputs.shape:
                raise ValueError(f"augment must return inputs {list(inputs.shape)}, as it was given them")
            loss, error = _one_epoch(step, epoch_inputs, labels, batch, generator)
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss was no longer finite in epoch {epoch}: the step size is too large")
            seconds = time.perf_counter() - start
            rows.append([loss, error, seconds, *_errors(model, sets)])
            bar.update()
            state = {name: part.state_dict() for name, part in parts.items()}
            kept.save({"rows": rows, **state, "generator": generator.get_state()})
    table = torch.tensor(rows, dtype=torch.float64).T
    errors = dict(zip(list(sets)[1:], table[3:], strict=True))
    return Record(torch.arange(len(rows)), table[0], table[1], table[2], errors)


@arguments(precision=kinds.precision, device=kinds.device)
def usable(precision, device):
    """`precision`, or None (the weights' own) with a warning where the device computes it much more slowly."""
    if precision is None or torch.device(device).type != "cpu" or _computes_bfloat16():
        return precision
    warnings.warn("this CPU has no arithmetic in bfloat16: float32 is used", stacklevel=2)
    return None


def _computes_bfloat16():
    """Whether oneDNN has kernels for it here; without them a product takes nine times as long as in float32."""
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


@arguments(model=torch.nn.Module, inputs=_INPUTS)
@torch.no_grad()
def error(model, inputs, labels):
    """The fraction of `labels` that the largest logit misses."""
    kinds.check_labels("labels", labels, inputs)
    training = model.training
    model.eval()
    try:
        wrong = sum(
            (model(x).argmax(1) != y).sum().item() for x, y in zip(inputs.split(1000), labels.split(1000), strict=True)
        )
    except RuntimeError as failure:
        raise ValueError(f"inputs must be what the model takes: {failure}") from failure
    finally:
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


def _check_sets(model, inputs, labels, evaluate, device, autocast):
    """Whether all sets are for this model, whose logits say how many classes there are."""
    if inputs.device != device:
        raise ValueError(f"inputs must be on the model's device, {device}, not {inputs.device}")
    kinds.check_labels("labels", labels, inputs)
    training = model.training
    try:
        with torch.no_grad(), autocast():
            logits = model.eval()(inputs[:1])
    except RuntimeError as error:
        raise ValueError(f"inputs must be what the model takes, not {list(inputs.shape)}: {error}") from error
    model.train(training)
    if logits.shape[:1] != (1,) or logits.ndim != 2:
        raise ValueError(f"model must map inputs [n, ...] to logits [n, classes]; of one it makes {list(logits.shape)}")
    kinds.check_labels("labels", labels, inputs, classes=logits.shape[1])
    for name, pair in evaluate.items():
        if name == "train" or len(pair) != 2:
            raise ValueError(f"evaluate must hold (inputs, labels) by names other than 'train'; see {name!r}")
        _INPUTS(f"inputs of evaluate[{name!r}]", pair[0])
        kinds.check_like(f"inputs of evaluate[{name!r}]", pair[0], inputs, "inputs")
        kinds.check_labels(f"labels of evaluate[{name!r}]", pair[1], pair[0], classes=logits.shape[1])


def _kept(checkpoint, model, optimizer, batch, seed, sets, augment, scheduler, precision):
    """The run that a checkpoint belongs to: network, initial weights, data, settings (not the epochs)."""
    return checkpoints.kept(
        checkpoint,
        __name__,
        model=[repr(model), code.of(model)],
        weights=dict(model.state_dict()),
        optimizer=[type(optimizer).__name__, repr(optimizer)],  # the settings of every group of parameters
        batch=batch,
        seed=seed,
        sets=sets,
        augment=augment,
        scheduler=repr(scheduler and (type(scheduler).__name__, scheduler.state_dict())),
        precision=str(precision),
    )
