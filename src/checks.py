"""Checks of arguments, shared by the modules of `src`: every complaint names the argument and what it should be."""

import functools
import inspect
import math
import numbers
import reprlib
import sys
import types
from collections.abc import KeysView, ValuesView
from typing import NamedTuple

import numpy as np
import torch

DIMENSION = range(1, 10_001)  # of a matrix that is made: one of doubles then takes up to 0.8 GB
COUNT = range(1, 10**9)  # of what is done or drawn one after another
FORMULA = range(1, 10**15)  # a dimension, steps or samples that only enter a formula
SEED = range(2**63)


def check_tensor(name, x, form, fits):
    """A dense float32 or float64 tensor with finite entries, whose shape `fits`; `form` is that in words."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, {form}, not {type(x).__name__}")
    if x.layout != torch.strided or x.is_nested:
        raise TypeError(f"{name} must be a dense tensor, not {'a nested one' if x.is_nested else x.layout}")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must have a floating dtype, float32 or float64, not {x.dtype}")
    if x.is_meta:
        raise ValueError(f"{name} must be on a device that holds its entries, not on {x.device}")
    if not fits(x.shape):
        raise ValueError(f"{name} must be {form}, not of shape {list(x.shape)}")
    check_entries(lambda x: _check_finite(name, x), x)


def check_matrix(name, W):
    """A finite, square, floating-point matrix, or a batch of them, which may be empty."""
    check_tensor(name, W, "square, of shape [..., d, d] with d >= 1", lambda s: len(s) >= 2 and s[-1] == s[-2] > 0)


def check_same_kind(name, W, reference, of="W"):
    """A matrix of the dtype, device and dimension of one already checked, whose name is `of`."""
    check_matrix(name, W)
    if W.dtype != reference.dtype:
        raise TypeError(f"{name} must have the dtype of {of}, {reference.dtype}, not {W.dtype}")
    if W.device != reference.device:
        raise ValueError(f"{name} must be on the device of {of}, {reference.device}, not {W.device}")
    if W.shape[-1] != reference.shape[-1]:
        raise ValueError(f"{name} must have the dimension of {of}, d = {reference.shape[-1]}, not d = {W.shape[-1]}")
    try:
        np.broadcast_shapes(W.shape, reference.shape)
    except ValueError:
        raise ValueError(
            f"{name} must have batch dimensions that broadcast with those of {of}, {list(reference.shape[:-2])}, "
            f"not {list(W.shape[:-2])}"
        ) from None


def check_pair(W, W_star, name="W"):
    """Student weights `name` and teacher weights, where the model is differentiable, broadcast to one shape."""
    check_matrix(name, W)
    check_same_kind("W_star", W_star, W, name)
    check_entries(lambda W: _check_columns(name, W), W)
    check_entries(lambda W: _check_columns("W_star", W), W_star)
    return torch.broadcast_tensors(W, W_star)


def check_entries(check, x):
    """check(x) for a check that looks at entries; where `torch.func.vmap` hides them, once for the whole batch."""
    try:
        check(x.detach())
    except RuntimeError:
        _WholeBatch.apply(check, x.detach())


class _WholeBatch(torch.autograd.Function):
    @staticmethod
    def forward(check, x):
        check(x)

    setup_context = staticmethod(lambda ctx, inputs, output: None)

    @staticmethod
    def vmap(info, in_dims, check, x):
        return _WholeBatch.apply(check, x.movedim(in_dims[1], 0)), None


def _check_finite(name, x):
    if x.numel() and not all(map(math.isfinite, x.aminmax())):
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")


def _check_columns(name, W):
    suspects = (W.diagonal(dim1=-2, dim2=-1) == -1).nonzero()  # only there can e_j + w_j be zero
    for *batch, j in suspects.tolist():
        if W[(*batch, slice(None), j)].count_nonzero() == 1:
            raise ValueError(f"{name} must leave every column of I + {name} non-zero; column {j} of it is zero")


def check_integer(name, value, at_least):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, not {value}")


def check_generator(generator):
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")


MATRIX = check_matrix  # what `check_matrix` lets pass
_OPEN = {(0, math.inf): "positive and finite", (-math.inf, math.inf): "finite"}
_CLOSED = {(0, math.inf): "finite and not negative", (-math.inf, math.inf): "finite"}


def between(low, high):
    """A number (int or float) strictly between ``low`` and ``high``; either may be infinite."""
    words = _OPEN.get((low, high), f"between {low} and {high}")
    return lambda name, value: _check_number(name, value, lambda x: low < x < high, words)


check_positive = between(0, math.inf)


def within(low, high):
    """A finite number from ``low`` to ``high``, both allowed where they are finite."""
    words = _CLOSED.get((low, high), f"from {low} to {high}")
    return lambda name, value: _check_number(name, value, lambda x: low <= x <= high, words)


def each(allowed):
    """A non-empty list whose every entry is `allowed`."""
    return lambda name, value: _check_list(name, value, allowed)


def one_or_each(allowed):
    """What is `allowed`, or a non-empty list of it."""
    return lambda name, value: (_check_list if isinstance(value, _LISTS) else check_value)(name, value, allowed)


def entries(allowed):
    """A number that is `allowed`, or a non-empty numpy array or torch tensor of such numbers."""
    return lambda name, value: _check_array(name, value, allowed)


def vector(allowed):
    """A non-empty list, numpy array or torch tensor [n] of numbers that are `allowed`."""
    return lambda name, value: (_check_array if getattr(value, "ndim", 0) == 1 else _check_list)(name, value, allowed)


def optional(allowed):
    """None, or what is `allowed`."""
    return lambda name, value: value is None or check_value(name, value, allowed)


class like(NamedTuple):
    """A matrix of the dtype, device and dimension of the argument `name`, which is checked before."""

    name: str


def arguments(**allowed):
    """A decorator: each argument named here is what `check_value` allows, or the call is refused before any work.

    They are checked in the order written; `like` is allowed here too.
    """

    def decorate(function):
        names = tuple(inspect.signature(function).parameters)
        if unknown := set(allowed) - set(names):
            raise TypeError(f"{function.__name__} has no argument {', '.join(sorted(unknown))}")

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = dict(zip(names, args, strict=False)) | kwargs  # a wrong number of them is for Python to refuse
            for name, kind in allowed.items():
                if name not in given:
                    continue
                if not isinstance(kind, like):
                    check_value(name, given[name], kind)
                elif kind.name in given:
                    check_same_kind(name, given[name], given[kind.name], kind.name)
            return function(*args, **kwargs)

        return checked

    return decorate


def check_value(name, value, allowed):
    """Raise unless `value` is one that `allowed` describes.

    allowed: a `range` (an integer), `between` or `within` (a number), a tuple of strings (one of them), `bool`, `str`
    (any text), `each` (a non-empty list of any of these), `one_or_each`, `entries` (a number or an array of numbers),
    `optional`, `MATRIX`, `callable`, another class or union of classes (one of its instances), or a function
    (name, value) that raises. Raises ValueError, or TypeError for a wrong type, in terms of `name`.
    """
    match allowed:
        case range():
            if isinstance(value, bool) or not isinstance(value, numbers.Integral):
                raise TypeError(f"{name} must be an integer; {_got(value)}")
            if int(value) not in allowed:  # a numpy integer would be sought one by one
                step = f" in steps of {allowed.step}" if allowed.step != 1 else ""
                raise ValueError(f"{name} must be from {allowed[0]} to {allowed[-1]}{step}; {_got(value)}")
        case types.FunctionType():
            allowed(name, value)
        case tuple():
            if not isinstance(value, str):
                raise TypeError(f"{name} must be one of {', '.join(allowed)}; {_got(value)}")
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}; {_got(value)}")
        case _ if allowed is callable:
            if not callable(value):
                raise TypeError(f"{name} must be a function; {_got(value)}")
        case type() | types.UnionType():
            if not isinstance(value, allowed):
                what = _CLASSES.get(allowed) or f"a {inspect.formatannotation(allowed)}"
                raise TypeError(f"{name} must be {what}; {_got(value)}")
        case _:
            raise TypeError(f"check_value does not know what {allowed!r} allows for {name}")


_LISTS = (list, tuple, range, KeysView, ValuesView)
_CLASSES = {str: "text", bool: "true or false", torch.Generator: "a torch.Generator"}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


def _check_number(name, value, allowed, words):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        yaml = "; in a YAML file write 1.0e-4, not 1e-4" if isinstance(value, str) else ""
        raise TypeError(f"{name} must be a number; {_got(value)}{yaml}")
    finite = abs(value) <= sys.float_info.max if isinstance(value, int) else math.isfinite(value)
    if not (finite and allowed(value)):
        raise ValueError(f"{name} must be {words}; {_got(value)}")


def _check_list(name, value, allowed):
    if not isinstance(value, _LISTS):
        raise TypeError(f"{name} must be a list; {_got(value)}")
    if not len(value):
        raise ValueError(f"{name} must have at least one entry; got an empty list")
    for k, entry in enumerate(value):
        check_value(f"entry {k} of {name}", entry, allowed)


def _check_array(name, value, inner):
    """A number, or every entry of an array: only its extremes need be looked at, as what is allowed is an interval."""
    if not isinstance(value, torch.Tensor | np.ndarray):
        return check_value(name, value, inner)
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_meta:
            raise TypeError(f"{name} must be dense and hold its entries, not {value.layout} on {value.device}")
        value = value.detach().cpu().numpy()
    if value.dtype.kind not in "iuf" or (isinstance(inner, range) and value.dtype.kind == "f"):
        raise TypeError(f"{name} must hold {'integers' if isinstance(inner, range) else 'numbers'}, not {value.dtype}")
    if not value.size:
        raise ValueError(f"{name} must have at least one entry; got an empty array")
    for extreme in (value.min(), value.max()):  # NaN where there is one
        check_value(f"every entry of {name}", extreme.item(), inner)


def _got(value):
    """What a complaint prints of a value, shortened: an array has too many entries to print."""
    array = isinstance(value, torch.Tensor | np.ndarray)
    return f"got {f'an array {list(value.shape)}' if array else _SHORT.repr(value)} ({type(value).__name__})"


def device(name):
    """The torch.device for "auto" (CUDA where there is one), "cpu" or "cuda".

    Raises ValueError for another name, and where "cuda" is asked for and absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be one of auto, cpu, cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but torch sees no CUDA device here; use 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
