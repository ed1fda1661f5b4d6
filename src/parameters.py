"""Check a chapter's parameters, whoever set them.

Papermill only warns about a parameter that a notebook does not know and runs on with the defaults. The cell
after a chapter's parameters cell therefore calls :func:`check`, which stops the run at the top instead:

    parameters.check(globals(), d=range(3, 3001), eta=parameters.between(0, 1), device=("auto", "cpu", "cuda"))

What a parameter may be is said by a ``range`` (an integer), :func:`between` (a number), a tuple of strings (one
of them), ``bool``, ``str`` (any text), or :func:`each` (a non-empty list of any of these).
"""

import difflib
from typing import NamedTuple

import torch

_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what papermill can inject
_IPYTHON = {"In", "Out"}


class _Between(NamedTuple):
    low: float
    high: float


class _Each(NamedTuple):
    allowed: object


def between(low, high):
    """A number (int or float) strictly between ``low`` and ``high``; either may be infinite."""
    return _Between(low, high)


def each(allowed):
    """A non-empty list whose every entry is ``allowed``."""
    return _Each(allowed)


def check(namespace, **allowed):
    """Raise unless the parameters in ``namespace`` are exactly those in ``allowed``, with allowed values.

    ``namespace`` is the chapter's ``globals()`` right after its parameters cell: every public plain value there
    counts as a parameter, so constants come later (and ``import math``, not ``from math import pi``).

    Raises ValueError for an unknown or missing parameter and a value out of range, TypeError for a wrong type.
    """
    given = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in _IPYTHON and isinstance(value, _PLAIN)
    }
    takes = "This chapter takes: " + ", ".join(allowed) + "."
    for name in given.keys() - allowed.keys():
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{hint}. {takes}")
    for name in allowed.keys() - given.keys():
        raise ValueError(f"parameter {name!r} is checked but the parameters cell does not set it. {takes}")
    for name, value in given.items():
        _check_value(name, value, allowed[name])


def device(name):
    """The torch.device for ``"auto"`` (CUDA where there is one), ``"cpu"`` or ``"cuda"``.

    Raises ValueError for another name, and where ``"cuda"`` is asked for and absent.
    """
    _check_value("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("parameter 'device' is 'cuda', but torch sees no CUDA device here; use 'auto' or 'cpu'")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _check_value(name, value, allowed):
    got = f"got {value!r} ({type(value).__name__})"
    if isinstance(allowed, _Each):
        if not isinstance(value, list | tuple):
            raise TypeError(f"parameter {name!r} must be a list; {got}")
        if not value:
            raise ValueError(f"parameter {name!r} must have at least one entry; got an empty list")
        for k, entry in enumerate(value):
            _check_value(f"{name}[{k}]", entry, allowed.allowed)
    elif allowed is str:
        if not isinstance(value, str):
            raise TypeError(f"parameter {name!r} must be text; {got}")
    elif allowed is bool:
        if not isinstance(value, bool):
            raise TypeError(f"parameter {name!r} must be true or false; {got}")
    elif isinstance(allowed, range):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"parameter {name!r} must be an integer; {got}")
        if value not in allowed:
            step = f" in steps of {allowed.step}" if allowed.step != 1 else ""
            raise ValueError(f"parameter {name!r} must be from {allowed[0]} to {allowed[-1]}{step}; {got}")
    elif isinstance(allowed, _Between):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yaml = "; in a YAML file write 1.0e-4, not 1e-4" if isinstance(value, str) else ""
            raise TypeError(f"parameter {name!r} must be a number; {got}{yaml}")
        if not allowed.low < value < allowed.high:  # also refuses NaN
            raise ValueError(f"parameter {name!r} must be between {allowed.low} and {allowed.high}; {got}")
    elif isinstance(allowed, tuple):
        if not isinstance(value, str):
            raise TypeError(f"parameter {name!r} must be one of {', '.join(allowed)}; {got}")
        if value not in allowed:
            raise ValueError(f"parameter {name!r} must be one of {', '.join(allowed)}; {got}")
    else:
        raise TypeError(f"check() does not know what {allowed!r} allows for {name!r}")
