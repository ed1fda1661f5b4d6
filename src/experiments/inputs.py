"""What the experiments take beside what `src.checks` knows, for `checks.arguments`: data, labels, sets, devices, paths.

Each is a function (name, value) that raises TypeError or ValueError in terms of the name, or makes one.
"""

import math
from pathlib import Path

import torch

from src.checks import check_value, vector, within

FLOATS = (torch.float32, torch.float64)
PIXELS = (torch.uint8,)
LABELS = (torch.int64,)
NUMBERS = (*FLOATS, *PIXELS, *LABELS)
NUMBER = within(-math.inf, math.inf)
MOMENTUM = within(0, 0.999)
CLASSES = 10  # of MNIST and of CIFAR-10


def data(shape, dtypes=FLOATS, n=1):
    """A dense tensor of finite numbers of one of the dtypes, with at least n rows.

    shape: "[n, d]" for two dimensions, "[n, d, ...]" for two or more, and so on.
    """
    kinds = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
    least = shape.count(",") + 1 - shape.count("...")

    def check(name, x):
        what = f"{name} must be a dense torch.Tensor {shape} of {kinds}"
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"{what}, not {type(x).__name__}")
        if x.layout != torch.strided or x.is_nested or x.is_meta:
            raise TypeError(f"{what} that holds its entries, not {x.layout} on {x.device}")
        if x.dtype not in dtypes:
            raise TypeError(f"{what}, not {x.dtype}")
        if x.ndim < least or ("..." not in shape and x.ndim > least) or len(x) < n or not x.numel():
            raise ValueError(f"{what} with n >= {n}, not {list(x.shape)}")
        if x.is_floating_point() and not torch.isfinite(x).all():
            raise ValueError(f"{name} must be finite; it holds NaN or infinity")

    return check


def colours(name, x):
    """uint8 images [n, 3, h, w]."""
    data("[n, 3, h, w]", PIXELS)(name, x)
    if x.shape[1] != 3:
        raise ValueError(f"{name} must have three channels, [n, 3, h, w], not {list(x.shape)}")


def check_labels(name, y, x, *, of="inputs", classes=None):
    """The classes [n] of the inputs x, whose name is `of`: numbers from 0, below `classes` where that is given."""
    data("[n]", LABELS)(name, y)
    if len(y) != len(x):
        raise ValueError(f"{name} must be as many as {of}, {len(x)}, not {len(y)}")
    if y.device != x.device:
        raise ValueError(f"{name} must be on the device of {of}, {x.device}, not {y.device}")
    low, high = y.min().item(), y.max().item()
    if low < 0 or (classes is not None and high >= classes):
        to = "" if classes is None else f" to {classes - 1}"
        raise ValueError(f"{name} must be from 0{to}; found {low} to {high}")


def check_like(name, x, reference, of):
    """Inputs [m, ...] that can stand beside `reference` [n, ...], whose name is `of`."""
    if x.shape[1:] != reference.shape[1:] or x.dtype != reference.dtype or x.device != reference.device:
        raise ValueError(
            f"{name} must be like {of}, {list(reference.shape[1:])} {reference.dtype} on {reference.device}, not "
            f"{list(x.shape[1:])} {x.dtype} on {x.device}"
        )


def sets(name, value):
    """A training and a test set, each inputs [n, d] and class labels [n]."""
    _check_two(name, value, "a training and a test set")
    for k, part in enumerate(value):
        _check_two(f"{name}[{k}]", part, "inputs [n, d] and labels [n]")
        data("[n, d]")(f"{name}[{k}][0]", part[0])
        check_labels(f"{name}[{k}][1]", part[1], part[0], of=f"{name}[{k}][0]", classes=CLASSES)
    check_like(f"{name}[1][0]", value[1][0], value[0][0], f"{name}[0][0]")


def _check_two(name, value, what):
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise TypeError(f"{name} must be two things, {what}; got {type(value).__name__}")


def mapping(values, *keys):
    """A dict of `values` (as `check_value` takes it) by text, in which none of the keys is missing."""

    def check(name, value):
        check_value(name, value, dict)
        for key, entry in value.items():
            check_value(f"every key of {name}", key, str)
            check_value(f"{name}[{key!r}]", entry, values)
        if lacking := [key for key in keys if key not in value]:
            raise ValueError(f"{name} must have the entries {', '.join(keys)}; it lacks {', '.join(lacking)}")

    return check


def pairs(name, value):
    """A non-empty list of pairs of different classes."""
    if not isinstance(value, list | tuple) or not value:
        raise TypeError(f"{name} must be a list of pairs of classes, at least one; got {value!r:.100}")
    for k, one in enumerate(value):
        pair(f"entry {k} of {name}", one)


def pair(name, value):
    """Two different classes."""
    _check_two(name, value, "two classes")
    for k in (0, 1):
        check_value(f"entry {k} of {name}", value[k], range(CLASSES))
    if value[0] == value[1]:
        raise ValueError(f"{name} must be two different classes, not {value[0]} twice")


def device(name, value):
    """A torch.device or its name, of one that is here."""
    check_value(name, value, str | torch.device)
    try:
        kind = torch.device(value).type
    except RuntimeError:
        kind = None
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"{name} must be cpu, or cuda where torch sees one; got {value!r}")


def precision(name, value):
    """None or torch.bfloat16."""
    if value is not None and value is not torch.bfloat16:
        raise ValueError(f"{name} must be None or torch.bfloat16, not {value!r}")


def optimizer(name, value):
    """An optimizer whose settings are numbers."""
    check_value(name, value, torch.optim.Optimizer)
    for group in value.param_groups:
        for setting, number in group.items():
            if type(number) in (int, float):
                kind = MOMENTUM if setting == "momentum" else within(0, math.inf)
                check_value(f"{setting} of {name}", number, kind)


def path(name, value):
    """A path, text or pathlib.Path."""
    check_value(name, value, str | Path)
    if not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path; got {value!r}")


def matrix(name, W):
    """One finite square matrix [d, d]."""
    _check_square(name, W, "[d, d]")


def matrices(name, W):
    """Finite square matrices [S, d, d], one at least."""
    _check_square(name, W, "[S, d, d]")


def _check_square(name, W, shape):
    data(shape)(name, W)
    if W.shape[-1] != W.shape[-2]:
        raise ValueError(f"{name} must be square, {shape}, not {list(W.shape)}")


def check_rows(name, x, W, of="W"):
    """Inputs [n, d] for the matrix W [d, d], whose name is `of`: of its dimension, dtype and device."""
    data("[n, d]", (W.dtype,))(name, x)
    if x.shape[1] != W.shape[-1] or x.device != W.device:
        raise ValueError(
            f"{name} must be [n, d] for the d and on the device of {of}, {W.shape[-1]} and {W.device}, not "
            f"{list(x.shape)} on {x.device}"
        )


def increasing(name, value):
    """A list or array [K] of rising numbers."""
    check_value(name, value, vector(NUMBER))
    if not (torch.as_tensor(value).diff() > 0).all():
        raise ValueError(f"{name} must be increasing")
